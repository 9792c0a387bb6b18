#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "convolution.h"

// Matrix products of 8-bit integers, for quantized layers. Inputs are unsigned and weights are signed bytes; products are
// summed in 32-bit integers, without saturation, and the result is rescaled to float32. Every step is exact or rounded
// once, in one defined order, so that all instruction sets give the same bits.

/// The number of columns (outputs) of a panel.
#define KERNEL_BYTE_PANEL_COLUMNS 16

/// The number of consecutive inputs whose weights are stored together for each column.
#define KERNEL_BYTE_GROUP 4

/// The depth of a panel in memory is a multiple of this.
#define KERNEL_BYTE_PANEL_DEPTH 64

/// The depth of a panel in memory.
static inline ptrdiff_t kernel_byte_panel_depth(ptrdiff_t depth) {
    return (depth + KERNEL_BYTE_PANEL_DEPTH - 1) / KERNEL_BYTE_PANEL_DEPTH * KERNEL_BYTE_PANEL_DEPTH;
}

/// The most products in a sum: 65,536 · 255 · 127 is below 2³¹.
#define KERNEL_BYTE_MAX_DEPTH 65536

/// Quantizes values: `bytes[i] = clamp(round(values[i] * inverse_scale) + zero_point, 0, 255)`, rounded to nearest, ties to
/// even. NaN becomes 0.
void kernel_quantize_bytes(const float *values, ptrdiff_t count, float inverse_scale, uint8_t zero_point,
                           uint8_t *bytes);

/// The same for rows that are padded with zeros: rows of `columns` values become rows of `row_stride` bytes.
void kernel_quantize_byte_rows(const float *values, ptrdiff_t row_count, ptrdiff_t columns, float inverse_scale,
                               uint8_t zero_point, uint8_t *bytes, ptrdiff_t row_stride);

/// How many bytes ``kernel_im2row_bytes`` may read after the image, and write after the last row, and how many
/// ``kernel_multiply_bytes`` may read after its rows.
#define KERNEL_BYTE_SLACK 64

/// im2row of bytes, as ``kernel_im2row``: rows are `row_stride` bytes apart and padded with zeros at their ends; elements
/// outside the image are `zero_point`. The rows do not overlap the image and its slack, whose values do not matter.
void kernel_im2row_bytes(const uint8_t *image, ptrdiff_t channels, const kernel_window *window, ptrdiff_t first,
                         ptrdiff_t count, uint8_t zero_point, uint8_t *rows, ptrdiff_t row_stride);

/// Values that are added to a product's output, such as the shortcut of a residual block. They have the output's shape and
/// stride.
typedef struct {
    /// Null if there are none, or if they are bytes.
    const float *values;
    /// Null if there are none, or if they are float32. A byte stands for `(byte - zero_point) * scale`.
    const uint8_t *bytes;
    /// How they are quantized; a scale of 0 stands for `values` that are added as they are. Otherwise `values` are rounded to
    /// bytes first, so that the sums are those of `bytes`.
    float scale;
    float inverse_scale;
    uint8_t zero_point;
} kernel_byte_addends;

/// How the sums of a product become its output. The arrays have an element for each column of each panel.
typedef struct {
    /// Added to each sum: corrects for the zero point of the inputs.
    const int32_t *offsets;
    /// The factor of each column: the input's scale times the weights'.
    const float *scales;
    const float *bias;
    /// Added after the bias.
    kernel_byte_addends addends;
    /// Whether a ReLU follows in the same pass (fused activation).
    bool relu;
    /// The number of columns to write; those of the last panel may be fewer.
    ptrdiff_t column_count;
    ptrdiff_t output_stride;
    /// `[row][column]`, rows `output_stride` apart; null if `bytes` are wanted.
    float *output;
    /// The output as the next layer's input: the same values in the same order, as ``kernel_quantize_bytes`` turns them
    /// into bytes. Null if `output` is wanted.
    uint8_t *bytes;
    float inverse_scale;
    uint8_t zero_point;
} kernel_byte_rescaling;

/// Multiplies rows of bytes by packed panels and rescales the sums:
/// `output[row][c] = relu(float(Σ left[row][k] * weights[c][k] + offsets[c]) * scales[c] + bias[c] + addend[row][c])`,
/// or that quantized to a byte.
///
/// The operations are rounded one by one; there is no fused multiply-add.
/// - Parameters:
///   - left: the rows are followed by ``KERNEL_BYTE_SLACK`` bytes, whose values do not matter.
///   - depth: a multiple of 4, at most ``KERNEL_BYTE_MAX_DEPTH``.
void kernel_multiply_bytes(const uint8_t *left, ptrdiff_t left_stride, ptrdiff_t row_count, const int8_t *panels,
                           ptrdiff_t depth, const kernel_byte_rescaling *rescaling);

/// The arithmetic of ``kernel_multiply_bytes`` on data in registers: the limit to which quantized layers are compared.
///
/// - Returns: how many multiply-adds were computed in `rounds` rounds.
int64_t kernel_repeat_byte_products(ptrdiff_t rounds);

/// Quantizes `row_count` rows of `depth` weights and packs them: `panels[row / 16][k / 4][row % 16][k % 4]`, padded with
/// zeros to whole panels and to a depth that is a multiple of ``KERNEL_BYTE_PANEL_DEPTH``.
///
/// A row's scale is its largest magnitude divided by 127; a row of zeros has scale 0. Numbers are rounded to nearest, ties
/// to even. `scales` and `sums`, the sum of each row's numbers, have an element for each row of each panel.
void kernel_pack_bytes(const float *rows, ptrdiff_t row_count, ptrdiff_t depth, int8_t *panels, float *scales,
                       int32_t *sums);
