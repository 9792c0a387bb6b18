#pragma once

#include <stddef.h>
#include <stdint.h>

// The inner loops of preprocessing: from a decoded image's bytes to a network's input. Pixels are interleaved bytes;
// `channels` is 1 or 3. Filter weights are non-negative fixed-point numbers with 22 fractional bits. Accumulators start
// at one half and may wrap around.

/// One half with 22 fractional bits: the initial value of accumulators, so that the final shift rounds.
#define RESIZE_HALF (1 << 21)

/// How far the kernels may read past the end of a row, and write past the end of a resampled row. Units: bytes.
#define RESIZE_SLACK 64

/// The number of outputs in a group of `resize_columns.packed`.
#define RESIZE_GROUP 4
/// The number of taps in a group of `resize_columns.packed`.
#define RESIZE_STEP 4

/// A horizontal filter: output x is the weighted sum of `tap_count` pixels, starting at pixel `starts[x]`.
typedef struct {
    ptrdiff_t output_count;
    /// A multiple of `RESIZE_STEP`; unused taps have weight zero. The last taps may read past the end of the row,
    /// within the slack.
    ptrdiff_t tap_count;
    /// The first pixel of each output; the array's length is `output_count` rounded up to a multiple of the group.
    /// Units: pixels.
    const int32_t *starts;
    /// The filter weights, `[output][tap]`.
    const int32_t *weights;
    /// The same weights for the SIMD kernels, `[output / 4][tap / 4][output % 4][low, high][tap % 4]`: each weight is
    /// high · 2¹¹ + low. Not used for one channel.
    const int16_t *packed;
} resize_columns;

/// Packs weights for `resize_columns.packed`; outputs after the last one get zero weights.
void resize_pack(const int32_t *weights, ptrdiff_t output_count, ptrdiff_t tap_count, int16_t *packed);

/// Resamples `row_count` rows of three channels, optionally swapping red and blue.
void resize_rows_rgb(const uint8_t *input, ptrdiff_t input_stride, ptrdiff_t row_count, const resize_columns *columns,
                     int32_t swaps_red_and_blue, uint8_t *output, ptrdiff_t output_stride);

/// Resamples `row_count` rows of one channel.
void resize_rows_grey(const uint8_t *input, ptrdiff_t input_stride, ptrdiff_t row_count, const resize_columns *columns,
                      uint8_t *output, ptrdiff_t output_stride);

/// The vertical pass: `sums[i] += Σ weights[r] * rows[r * stride + i]` over `row_count` rows.
void resize_accumulate(int32_t *sums, const uint8_t *rows, ptrdiff_t stride, const int32_t *weights,
                       ptrdiff_t row_count, ptrdiff_t count);

/// Converts accumulators to bytes, clamped to 0…255, and resets them to one half.
void resize_finish(int32_t *sums, uint8_t *row, ptrdiff_t count);

/// RGB to luma: (19595 r + 38470 g + 7471 b + 32768) / 65536 (ITU-R BT.601).
void resize_grey_row(const uint8_t *pixels, uint8_t *greys, ptrdiff_t count);

/// Normalisation: `output[i] = (bytes[i] / divisor - mean[i]) / deviation[i]`; each operation is rounded to float.
void resize_normalize(const uint8_t *bytes, float divisor, const float *mean, const float *deviation, float *output,
                      ptrdiff_t count);

/// Rotates or mirrors an RGB image: output pixel (x, y) is input pixel `origin + x * step_x + y * step_y`. Units:
/// pixels.
void resize_reorder(
    const uint8_t *input, ptrdiff_t origin, ptrdiff_t step_x, ptrdiff_t step_y, uint8_t *output, size_t width,
    size_t height);
