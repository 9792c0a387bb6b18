#pragma once

#include <stddef.h>
#include <stdint.h>

// Matrix products of signed 16-bit integers with 32-bit sums.

/// The number of columns of a panel.
#define KERNEL_INT16_PANEL_COLUMNS 16

/// The number of consecutive inputs whose weights are stored together for each column.
#define KERNEL_INT16_GROUP 2

/// Multiplies rows by packed panels: `output[row][c] = Σ left[row][k] * weights[c][k]`, modulo 2³².
///
/// Shape: left `[row_count, depth]` with rows `left_stride` apart; panels `[panel][depth / 2][16][2]`; output `[row_count,
/// panel_count * 16]` with rows `output_stride` apart.
/// - Parameter depth: a multiple of 2.
void kernel_multiply_int16(const int16_t *left, ptrdiff_t left_stride, ptrdiff_t row_count, const int16_t *panels,
                           ptrdiff_t panel_count, ptrdiff_t depth, int32_t *output, ptrdiff_t output_stride);

/// The arithmetic of ``kernel_multiply_int16`` on data in registers: the limit to which its callers are compared.
///
/// - Returns: how many multiply-adds were computed in `rounds` rounds.
int64_t kernel_repeat_int16_products(ptrdiff_t rounds);

/// How long a product of 16-bit integers takes on this CPU, as a multiple of one of bytes, approximately.
double kernel_int16_product_cost(void);
