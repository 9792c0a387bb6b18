#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Element-wise operations on rows of floats, and matrix transposition.

/// Adds a bias to each column, with optional fused ReLU: `rows[r][i] = relu(rows[r][i] + bias[i])`.
void kernel_bias_columns(float *rows, ptrdiff_t row_count, ptrdiff_t column_count, ptrdiff_t row_stride,
                         const float *bias, bool relu);

/// The same with a second summand (a residual connection), which has the same row stride:
/// `rows[r][i] = relu(rows[r][i] + bias[i] + addends[r][i])`.
void kernel_bias_columns_sum(float *rows, ptrdiff_t row_count, ptrdiff_t column_count, ptrdiff_t row_stride,
                             const float *bias, const float *addends, bool relu);

/// ReLU: `output[i] = max(input[i], 0)`; NaN stays NaN, as in PyTorch.
void kernel_relu(const float *input, float *output, ptrdiff_t count);

/// Transposes a matrix: `output[column][row] = input[row][column]`.
void kernel_transpose(const float *input, ptrdiff_t row_count, ptrdiff_t column_count, float *output);

/// ``kernel_transpose`` of bytes.
void kernel_transpose_bytes(const uint8_t *input, ptrdiff_t row_count, ptrdiff_t column_count, uint8_t *output);

/// `output[i] = left[i] + right[i]`, with optional fused ReLU. `output` may alias either input.
void kernel_add_pairs(const float *left, const float *right, float *output, ptrdiff_t count, bool relu);

/// Scales and shifts each column, with optional fused ReLU: `output[r][i] = relu(rows[r][i] * scales[i] + shifts[i])`.
/// The rows are contiguous.
void kernel_scale_columns(const float *rows, ptrdiff_t row_count, ptrdiff_t column_count, const float *scales,
                          const float *shifts, bool relu, float *output);
