// Dispatches each call to the codec of the file's format.

#include "reader.h"

int codec_can_scale(const codec_reader *reader) { return reader->operations->can_scale; }

codec_status codec_begin(codec_reader *reader, uint32_t denominator, codec_window *window, codec_message *message) {
    reader->message = message;
    return reader->operations->begin(reader, denominator, window);
}

codec_status codec_read_rows(
    codec_reader *reader, uint8_t *rows, size_t stride, uint32_t row_count, codec_message *message) {
    reader->message = message;
    return reader->operations->read_rows(reader, rows, stride, row_count);
}

codec_status codec_finish(codec_reader *reader, codec_message *message) {
    reader->message = message;
    return reader->operations->finish(reader);
}

void codec_close(codec_reader *reader) {
    if (reader) { reader->operations->close(reader); }
}
