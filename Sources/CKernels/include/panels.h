#pragma once

#include <stdbool.h>
#include <stddef.h>

/// Matrix products whose right-hand side lies in panels of sixteen columns: `right[panel][k][column]`, one panel behind
/// the other. The left-hand side is read as it lies, or in blocks of twelve rows.

/// Rows of a block of a packed left-hand matrix: `left[block][k][row]`, zero behind the last row.
#define KERNEL_PANEL_ROWS 12
/// Columns of a panel of the right-hand matrix.
#define KERNEL_PANEL_COLUMNS 16

/// `output[row * output_stride + panel * 16 + column] = Σ left[row][k] * right[panel][k][column]`, the left-hand matrix
/// packed.
void kernel_multiply_packed(const float *left, ptrdiff_t row_count, const float *right, ptrdiff_t panel_count,
                            ptrdiff_t depth, float *output, ptrdiff_t output_stride);

/// The same for a left-hand matrix that lies row by row, `left_stride` apart, and for `depth` of the `panel_depth` rows
/// that each panel has. Adds to the output where `accumulates`.
void kernel_multiply_rows(const float *left, ptrdiff_t left_stride, ptrdiff_t row_count, const float *right,
                          ptrdiff_t panel_count, ptrdiff_t panel_depth, ptrdiff_t depth, bool accumulates,
                          float *output, ptrdiff_t output_stride);

/// Lays `row_count` rows of `depth` values out as panels: `panels[row / 16][k][row % 16]`, zero behind the last row.
void kernel_pack_panels(const float *rows, ptrdiff_t row_count, ptrdiff_t depth, float *panels);
