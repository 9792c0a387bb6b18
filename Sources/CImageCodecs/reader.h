#pragma once

#include "CImageCodecs.h"

#include <stdio.h>

/// The operations of a codec (a table of functions); each format's file has one.
typedef struct {
    int can_scale;
    codec_status (*begin)(codec_reader *, uint32_t denominator, codec_window *);
    codec_status (*read_rows)(codec_reader *, uint8_t *rows, size_t stride, uint32_t row_count);
    codec_status (*finish)(codec_reader *);
    void (*close)(codec_reader *);
} codec_operations;

/// The common first member of each format's reader.
struct codec_reader {
    const codec_operations *operations;
    /// The message of the current call.
    codec_message *message;
    codec_control control;
    /// Work since the last call of `should_stop`. Units: bytes of the file or of pixels.
    size_t work;
};

/// Work between two calls of `should_stop`: one or two milliseconds in any codec. Units: as `work`.
enum { codec_stop_check_interval = 1 << 18 };

/// Sets the message, truncated to its size.
static inline void codec_set_message(codec_message *message, const char *text) {
    snprintf(message->text, sizeof message->text, "%s", text);
}

/// Sets the message for a failed allocation.
static inline codec_status codec_report_out_of_memory(codec_message *message) {
    codec_set_message(message, "there is not enough memory to decode it");
    return codec_out_of_memory;
}

/// Counts work and calls `should_stop` at intervals; returns 1 when decoding is cancelled.
static inline int codec_should_stop(codec_reader *reader, size_t work) {
    reader->work += work;
    if (reader->work < codec_stop_check_interval || !reader->control.should_stop) { return 0; }
    reader->work = 0;
    if (!reader->control.should_stop(reader->control.context)) { return 0; }
    codec_set_message(reader->message, "decoding was cancelled");
    return 1;
}
