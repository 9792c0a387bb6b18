#pragma once

#include <stddef.h>
#include <stdint.h>

/// How a test's JPEG is written.
typedef struct {
    uint32_t width, height;
    /// 1 (grey), 3 (YCbCr) or 4 (CMYK).
    int channels;
    int quality;
    /// How many samples the first component has for each of the others, across and down.
    int sampling_across, sampling_down;
    int is_progressive, is_arithmetic;
    /// In MCUs; 0 for none.
    unsigned restart_interval;
} jpeg_writer_options;

/// Writes a JPEG of `width * height * channels` bytes. The caller frees `*bytes`; 0 where it cannot be written.
size_t jpeg_writer_write(const uint8_t *pixels, const jpeg_writer_options *options, uint8_t **bytes);
