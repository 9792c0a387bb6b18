#pragma once

#include <stddef.h>
#include <stdint.h>

/// How a call ended; everything but `codec_ok` leaves a sentence fragment in the message.
typedef enum {
    codec_ok = 0,
    codec_truncated,      ///< the bytes end before the image does
    codec_corrupt,        ///< the bytes contradict the format
    codec_unsupported,    ///< well-formed, but a variety that is not decoded
    codec_out_of_memory,
    codec_stopped,        ///< the caller's `should_stop` said so
} codec_status;

/// Where a library's own words about a failure go; always terminated by a zero.
typedef struct {
    char text[160];
} codec_message;

/// What an image's header says; units: pixels.
typedef struct {
    uint32_t width, height;
} codec_size;

/// A part of an image; units: pixels.
typedef struct {
    uint32_t left, top, width, height;
} codec_window;

/// The caller's hold on a codec that is at work.
typedef struct {
    /// Asked every few milliseconds, whatever the file makes the codec do; anything but 0 ends the call with
    /// `codec_stopped`. It may take its time: nothing is locked. Null is never asked.
    int (*should_stop)(void *context);
    void *context;
    /// What a JPEG's coefficients may take; 0 is no limit. Units: bytes.
    size_t byte_limit;
} codec_control;

/// A file that is being read, from its header to its end. Reading goes from top to bottom, once:
///
///     codec_open_… > codec_scaled_size > codec_begin > codec_read_rows … > codec_finish > codec_close
///
/// A status other than `codec_ok` ends it; only `codec_close` may follow. Nothing prints, exits or is kept behind.
typedef struct codec_reader codec_reader;

/// Reads a file's header. The bytes must stay where they are until the reader is closed; `*reader` is null where it could
/// not be made, and must be closed otherwise, whatever is answered.
codec_status codec_open_jpeg(
    const uint8_t *bytes, size_t count, codec_control control, codec_reader **reader, codec_size *size,
    codec_message *message);
codec_status codec_open_png(
    const uint8_t *bytes, size_t count, codec_control control, codec_reader **reader, codec_size *size,
    codec_message *message);
codec_status codec_open_webp(
    const uint8_t *bytes, size_t count, codec_control control, codec_reader **reader, codec_size *size,
    codec_message *message);

/// Can the codec scale by 1/2, 1/4 and 1/8 while it decodes?
int codec_can_scale(const codec_reader *reader);

/// Goes to the window's first row.
///
/// - `denominator`: 1, or 2, 4 or 8 where the codec can scale: both sides are divided by it and rounded up.
/// - `window`: the part of the scaled image that is wanted; becomes the part whose rows will come, which holds it.
codec_status codec_begin(codec_reader *reader, uint32_t denominator, codec_window *window, codec_message *message);

/// Writes the window's next rows: pixels of three bytes, red, green, blue, without gaps; rows `stride` bytes apart.
/// `row_count` is at most what is left of the window.
codec_status codec_read_rows(
    codec_reader *reader, uint8_t *rows, size_t stride, uint32_t row_count, codec_message *message);

/// Reads what is below the window, so that a file that is cut short is told from a whole one.
codec_status codec_finish(codec_reader *reader, codec_message *message);

/// Gives everything back.
void codec_close(codec_reader *reader);

/// Inflates a zlib stream into `capacity` bytes; the number written, or -1 where it is damaged or does not fit.
int64_t codec_inflate(const uint8_t *bytes, size_t count, uint8_t *output, size_t capacity);

/// Encodes an image as PNG: rows from the top, without gaps, of one byte a pixel (grey) or three (red, green, blue).
///
/// `*bytes` becomes the file, which the caller gives to `codec_free`; it stays as it was where the call fails.
codec_status codec_encode_png(
    const uint8_t *pixels, uint32_t width, uint32_t height, int channel_count, uint8_t **bytes, size_t *count,
    codec_message *message);

/// Gives back what `codec_encode_png` made; null is nothing to give.
void codec_free(uint8_t *bytes);
