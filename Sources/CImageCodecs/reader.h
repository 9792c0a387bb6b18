#pragma once

#include "CImageCodecs.h"

#include <stdio.h>

/// What a format does; each file of this folder has one of these.
typedef struct {
    int can_scale;
    codec_status (*begin)(codec_reader *, uint32_t denominator, codec_window *);
    codec_status (*read_rows)(codec_reader *, uint8_t *rows, size_t stride, uint32_t row_count);
    codec_status (*finish)(codec_reader *);
    void (*close)(codec_reader *);
} codec_verbs;

/// The beginning of each format's own reader.
struct codec_reader {
    const codec_verbs *verbs;
    /// Of the call that is under way.
    codec_message *message;
    codec_control control;
    /// What was done since the caller was asked last. Units: bytes of the file or of pixels.
    size_t work;
};

/// How much is done between two questions: a millisecond or two of any codec. Units: as `work`.
enum { codec_work_between_questions = 1 << 18 };

/// Copies a text, cut where it does not fit.
static inline void codec_say(codec_message *message, const char *text) {
    snprintf(message->text, sizeof message->text, "%s", text);
}

/// Says that memory is short.
static inline codec_status codec_lack_memory(codec_message *message) {
    codec_say(message, "there is no memory left to decode it");
    return codec_out_of_memory;
}

/// Counts work that is done, and asks the caller now and then: is this the end?
static inline int codec_is_stopped(codec_reader *reader, size_t work) {
    reader->work += work;
    if (reader->work < codec_work_between_questions || !reader->control.should_stop) { return 0; }
    reader->work = 0;
    if (!reader->control.should_stop(reader->control.context)) { return 0; }
    codec_say(reader->message, "nobody waits for it any more");
    return 1;
}
