#pragma once

#include "CImageCodecs.h"

#include <stdio.h>

/// Copies a text, cut where it does not fit.
static inline void codec_say(codec_message *message, const char *text) {
    snprintf(message->text, sizeof message->text, "%s", text);
}

/// Does `byte_count` hold exactly `width * height` pixels of three bytes?
static inline int codec_fits(uint64_t width, uint64_t height, size_t byte_count) {
    uint64_t pixel_count, needed;
    return !__builtin_mul_overflow(width, height, &pixel_count) && !__builtin_mul_overflow(pixel_count, 3, &needed)
        && needed == byte_count;
}
