#pragma once

#include <stddef.h>
#include <stdint.h>

/// The result of a call. Every result except `codec_ok` comes with a message that explains the failure.
typedef enum {
    codec_ok = 0,
    codec_truncated,      ///< the file ends before the last pixel
    codec_corrupt,        ///< the bytes violate the format
    codec_unsupported,    ///< well-formed, but uses a feature that is not supported
    codec_out_of_memory,  ///< memory could not be allocated, or the limit is too low
    codec_stopped,        ///< `should_stop` cancelled the call
} codec_status;

/// Explanation of a failure, often in the library's own words; always zero-terminated.
typedef struct {
    char text[160];
} codec_message;

/// Size of an image. Units: pixels.
typedef struct {
    uint32_t width, height;
} codec_size;

/// A rectangle of an image. Units: pixels.
typedef struct {
    uint32_t left, top, width, height;
} codec_window;

/// How a codec can be cancelled, and its memory limit.
typedef struct {
    /// Called every few milliseconds, whatever the file contains. A result other than 0 cancels the call with
    /// `codec_stopped`. The function may block: no lock is held. Null disables cancellation.
    int (*should_stop)(void *context);
    /// Passed to `should_stop`.
    void *context;
    /// The most memory for a JPEG's DCT coefficients; 0 for no limit. Units: bytes.
    size_t byte_limit;
} codec_control;

/// A decoder of one file. Scanlines are read from top to bottom, once, in this order of calls:
///
///     codec_open_… > codec_begin > codec_read_rows … > codec_finish > codec_close
///
/// After a status other than `codec_ok` only `codec_close` may be called. Nothing is printed, and the process never
/// exits.
typedef struct codec_reader codec_reader;

/// Reads a file's header. The bytes must stay valid until the reader is closed. `*reader` is null if it could not be
/// allocated; otherwise it must be closed, whatever the status.
codec_status codec_open_jpeg(
    const uint8_t *bytes, size_t count, codec_control control, codec_reader **reader, codec_size *size,
    codec_message *message);
codec_status codec_open_png(
    const uint8_t *bytes, size_t count, codec_control control, codec_reader **reader, codec_size *size,
    codec_message *message);
codec_status codec_open_webp(
    const uint8_t *bytes, size_t count, codec_control control, codec_reader **reader, codec_size *size,
    codec_message *message);

/// Whether the codec can scale by 1/2, 1/4 and 1/8 while it decodes (DCT scaling).
int codec_can_scale(const codec_reader *reader);

/// Starts decoding at the window's first row.
///
/// - `denominator`: 1, or 2, 4 or 8 if the codec can scale. Both sides are divided by it and rounded up.
/// - `window`: in: the part of the scaled image to decode. Out: the part that the rows will cover, which contains it.
codec_status codec_begin(codec_reader *reader, uint32_t denominator, codec_window *window, codec_message *message);

/// Decodes the window's next rows as contiguous RGB pixels. Rows are `stride` bytes apart. `row_count` is at most the
/// number of rows left in the window.
codec_status codec_read_rows(
    codec_reader *reader, uint8_t *rows, size_t stride, uint32_t row_count, codec_message *message);

/// Reads the rest of the file below the window, so that a truncated file is detected.
codec_status codec_finish(codec_reader *reader, codec_message *message);

/// Frees the reader; null is allowed.
void codec_close(codec_reader *reader);

/// Inflates a zlib stream into at most `capacity` bytes. Returns the number of bytes written, or -1 if the stream is
/// corrupt or does not fit.
int64_t codec_inflate(const uint8_t *bytes, size_t count, uint8_t *output, size_t capacity);

/// Encodes an image as PNG. The rows are contiguous, from top to bottom, with one byte per pixel (grey) or three (RGB).
///
/// `*bytes` becomes the file, which the caller frees with `codec_free`; it is unchanged on failure.
codec_status codec_encode_png(
    const uint8_t *pixels, uint32_t width, uint32_t height, int channel_count, uint8_t **bytes, size_t *count,
    codec_message *message);

/// Frees the result of `codec_encode_png`; null is allowed.
void codec_free(uint8_t *bytes);
