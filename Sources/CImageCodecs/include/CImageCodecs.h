#pragma once

#include <stddef.h>
#include <stdint.h>

/// How a call ended; everything but `codec_ok` leaves a sentence fragment in the message.
typedef enum {
    codec_ok = 0,
    codec_truncated,      ///< the bytes end before the picture does
    codec_corrupt,        ///< the bytes contradict the format
    codec_unsupported,    ///< well-formed, but a variety that is not decoded
    codec_out_of_memory,
} codec_status;

/// Where a library's own words about a failure go; always terminated by a zero.
typedef struct {
    char text[160];
} codec_message;

/// What a picture's header says; units: pixels.
typedef struct {
    uint32_t width, height;
} codec_size;

// Each format has the same two verbs. The first reads the header only. The second writes `width * height` pixels of
// three bytes, red, green, blue, rows from the top and without gaps, to memory that the caller owns; `byte_count` must
// be `3 * width * height` of the size that the first one gave. Neither prints, exits or keeps anything behind.

codec_status codec_jpeg_size(const uint8_t *bytes, size_t count, codec_size *size, codec_message *message);
codec_status codec_jpeg_decode(
    const uint8_t *bytes, size_t count, uint8_t *pixels, size_t byte_count, codec_message *message);

codec_status codec_png_size(const uint8_t *bytes, size_t count, codec_size *size, codec_message *message);
codec_status codec_png_decode(
    const uint8_t *bytes, size_t count, uint8_t *pixels, size_t byte_count, codec_message *message);

codec_status codec_webp_size(const uint8_t *bytes, size_t count, codec_size *size, codec_message *message);
codec_status codec_webp_decode(
    const uint8_t *bytes, size_t count, uint8_t *pixels, size_t byte_count, codec_message *message);

/// Inflates a zlib stream into `capacity` bytes; the number written, or -1 where it is damaged or does not fit.
int64_t codec_inflate(const uint8_t *bytes, size_t count, uint8_t *output, size_t capacity);
