#pragma once

#include <stddef.h>
#include <stdint.h>

// The inner loops from a decoded picture's bytes to a network's input. Pixels are interleaved bytes; `channels` is 1 or
// 3. Weights are fixed-point numbers with 22 fractional bits; sums wrap around and start at one half.

/// One half with 22 fractional bits: where every sum starts, so that shifting rounds.
#define RESIZE_HALF (1 << 21)

/// Resamples one row: output x is the sum of `counts[x]` pixels from `starts[x]` on, times `weights[x * stride …]`.
void resize_row(
    const uint8_t *input, int32_t channels, const int32_t *starts, const int32_t *counts, const int32_t *weights,
    size_t stride, uint8_t *output, size_t output_count);

/// sums[i] += weight * row[i]
void resize_accumulate(int32_t *sums, const uint8_t *row, int32_t weight, size_t count);

/// Sums to bytes, cut off at 0 and 255; the sums start again at one half.
void resize_finish(int32_t *sums, uint8_t *row, size_t count);

/// Red, green, blue to luma: (19595 r + 38470 g + 7471 b + 32768) / 65536 (ITU-R BT.601).
void resize_grey_row(const uint8_t *pixels, uint8_t *greys, size_t count);

/// output[i] = table[pixels[channels * i]]: one channel's plane out of interleaved pixels.
void resize_plane(const uint8_t *pixels, int32_t channels, const float *table, float *output, size_t count);

/// Copies pixels of three bytes into another order: output (x, y) is input `origin + x * step_x + y * step_y`, all
/// counted in pixels.
void resize_reorder(
    const uint8_t *input, ptrdiff_t origin, ptrdiff_t step_x, ptrdiff_t step_y, uint8_t *output, size_t width,
    size_t height);
