#pragma once

#include <stddef.h>

// Matrix products (GEMM) with a packed right-hand side: contiguous panels of sixteen columns,
// `right[panel][k][column]`.

/// The number of columns of a panel.
#define KERNEL_PANEL_COLUMNS 16

/// Multiplies a matrix by packed panels:
/// `output[row * output_stride + panel * 16 + column] = Σ left[row * left_stride + k] * right[panel][k][column]`,
/// summed over k.
void kernel_multiply_panels(const float *left, ptrdiff_t left_stride, ptrdiff_t row_count, const float *right,
                            ptrdiff_t panel_count, ptrdiff_t depth, float *output, ptrdiff_t output_stride);

/// Packs `row_count` rows of `depth` values into panels: `panels[row / 16][k][row % 16]`, padded with zeros after the
/// last row.
void kernel_pack_panels(const float *rows, ptrdiff_t row_count, ptrdiff_t depth, float *panels);
