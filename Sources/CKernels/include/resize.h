#pragma once

#include <stddef.h>
#include <stdint.h>

// The inner loops from a decoded image's bytes to a network's input. Pixels are interleaved bytes; `channels` is 1 or
// 3. Weights are fixed-point numbers with 22 fractional bits, none below zero; sums wrap around and start at one half.

/// One half with 22 fractional bits: where every sum starts, so that shifting rounds.
#define RESIZE_HALF (1 << 21)

/// What may be read behind the last pixel of a row, and written behind the last pixel of a resampled one. Units: bytes.
#define RESIZE_SLACK 64

/// Outputs whose weights lie side by side in `resize_columns.packed`.
#define RESIZE_GROUP 4
/// Taps whose weights lie side by side in `resize_columns.packed`.
#define RESIZE_STEP 4

/// How rows are resampled: output x is the sum of `tap_count` pixels from `starts[x]` on, times its weights.
typedef struct {
    ptrdiff_t output_count;
    /// A multiple of `RESIZE_STEP`; the weights of taps that do not count are zero. The last taps may lie behind the
    /// row's end, by no more than the slack.
    ptrdiff_t tap_count;
    /// `output_count` numbers, rounded up to a multiple of the group. Units: pixels.
    const int32_t *starts;
    /// `[output][tap]`
    const int32_t *weights;
    /// `[output / 4][tap / 4][output % 4][low, high][tap % 4]`: each weight is high · 2¹¹ + low. Not used for one channel.
    const int16_t *packed;
} resize_columns;

/// Lays weights out as `resize_columns.packed`; outputs behind the last one weigh nothing.
void resize_pack(const int32_t *weights, ptrdiff_t output_count, ptrdiff_t tap_count, int16_t *packed);

/// Resamples `row_count` rows of three channels; red and blue change places where asked.
void resize_rows_rgb(const uint8_t *input, ptrdiff_t input_stride, ptrdiff_t row_count, const resize_columns *columns,
                     int32_t swaps_red_and_blue, uint8_t *output, ptrdiff_t output_stride);

/// Resamples `row_count` rows of one channel.
void resize_rows_grey(const uint8_t *input, ptrdiff_t input_stride, ptrdiff_t row_count, const resize_columns *columns,
                      uint8_t *output, ptrdiff_t output_stride);

/// sums[i] += Σ weights[r] * rows[r * stride + i] over `row_count` rows.
void resize_accumulate(int32_t *sums, const uint8_t *rows, ptrdiff_t stride, const int32_t *weights,
                       ptrdiff_t row_count, ptrdiff_t count);

/// Sums to bytes, cut off at 0 and 255; the sums start again at one half.
void resize_finish(int32_t *sums, uint8_t *row, ptrdiff_t count);

/// Red, green, blue to luma: (19595 r + 38470 g + 7471 b + 32768) / 65536 (ITU-R BT.601).
void resize_grey_row(const uint8_t *pixels, uint8_t *greys, ptrdiff_t count);

/// `output[i] = (bytes[i] / divisor - mean[i]) / deviation[i]`, each operation rounded to float.
void resize_normalize(const uint8_t *bytes, float divisor, const float *mean, const float *deviation, float *output,
                      ptrdiff_t count);

/// Copies pixels of three bytes into another order: output (x, y) is input `origin + x * step_x + y * step_y`, all
/// counted in pixels.
void resize_reorder(
    const uint8_t *input, ptrdiff_t origin, ptrdiff_t step_x, ptrdiff_t step_y, uint8_t *output, size_t width,
    size_t height);
