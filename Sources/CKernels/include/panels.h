#pragma once

#include <stddef.h>

// Matrix products (GEMM) with a packed right-hand side: panels of sixteen columns, `right[panel][k][column]`,
// contiguous.

/// Columns of a panel of the right-hand matrix.
#define KERNEL_PANEL_COLUMNS 16

/// `output[row * output_stride + panel * 16 + column] = Σ left[row * left_stride + k] * right[panel][k][column]`
void kernel_multiply_panels(const float *left, ptrdiff_t left_stride, ptrdiff_t row_count, const float *right,
                            ptrdiff_t panel_count, ptrdiff_t depth, float *output, ptrdiff_t output_stride);

/// Packs `row_count` rows of `depth` values into panels: `panels[row / 16][k][row % 16]`, padded with zeros after the
/// last row.
void kernel_pack_panels(const float *rows, ptrdiff_t row_count, ptrdiff_t depth, float *panels);
