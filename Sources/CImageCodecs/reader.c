// Hands each call on to the format's own verbs.

#include "reader.h"

int codec_can_scale(const codec_reader *reader) { return reader->verbs->can_scale; }

codec_status codec_begin(codec_reader *reader, uint32_t denominator, codec_window *window, codec_message *message) {
    reader->message = message;
    return reader->verbs->begin(reader, denominator, window);
}

codec_status codec_read_rows(
    codec_reader *reader, uint8_t *rows, size_t stride, uint32_t row_count, codec_message *message) {
    reader->message = message;
    return reader->verbs->read_rows(reader, rows, stride, row_count);
}

codec_status codec_finish(codec_reader *reader, codec_message *message) {
    reader->message = message;
    return reader->verbs->finish(reader);
}

void codec_close(codec_reader *reader) {
    if (reader) { reader->verbs->close(reader); }
}
