#include "panels.h"

#include <string.h>

#include "multiversion.h"

enum { ROWS = KERNEL_PANEL_ROWS, COLUMNS = KERNEL_PANEL_COLUMNS };

/// One row of a panel.
typedef float lanes __attribute__((vector_size(COLUMNS * sizeof(float)), aligned(4)));

/// A product's operands; the same for every tile of it.
typedef struct {
    /// From one row of a block to the next, and from one k to the next.
    ptrdiff_t row_step, k_step;
    /// From one block of twelve rows to the next.
    ptrdiff_t block_step;
    ptrdiff_t row_count;
    /// From one panel to the next.
    ptrdiff_t panel_step;
    ptrdiff_t panel_count;
    ptrdiff_t depth;
    bool accumulates;
    ptrdiff_t output_stride;
} product;

/// `rows` rows times `panels` panels: everything is summed in registers.
///
/// `rows` and `panels` are constants where this is inlined, so that the loops over them disappear.
INLINE void multiply_tile(const float *left, const float *right, const product *p, int rows, int panels,
                          ptrdiff_t valid_rows, float *output) {
    lanes sums[ROWS][2];
#pragma clang loop unroll(full)
    for (int row = 0; row < rows; row++) {
#pragma clang loop unroll(full)
        for (int panel = 0; panel < panels; panel++) sums[row][panel] = (lanes){0};
    }
    for (ptrdiff_t k = 0; k < p->depth; k++) {
        lanes values[2];
        memcpy(&values[0], right + k * COLUMNS, sizeof(lanes));
        if (panels == 2) memcpy(&values[1], right + p->panel_step + k * COLUMNS, sizeof(lanes));
#pragma clang loop unroll(full)
        for (int row = 0; row < rows; row++) {
            const float factor = left[row * p->row_step + k * p->k_step];
#pragma clang loop unroll(full)
            for (int panel = 0; panel < panels; panel++) sums[row][panel] += factor * values[panel];
        }
    }
#pragma clang loop unroll(full)
    for (int row = 0; row < rows; row++) {
        if (row >= valid_rows) break;
#pragma clang loop unroll(full)
        for (int panel = 0; panel < panels; panel++) {
            float *target = output + row * p->output_stride + panel * COLUMNS;
            if (p->accumulates) {
                lanes before;
                memcpy(&before, target, sizeof(lanes));
                sums[row][panel] += before;
            }
            memcpy(target, &sums[row][panel], sizeof(lanes));
        }
    }
}

/// Panels outside, blocks of rows inside: the panels stay in the cache while the left-hand matrix passes by.
///
/// `rows` at a time and `panels` at a time are as many as the registers hold.
INLINE void multiply(const float *left, const float *right, const product *p, float *output, int rows, int panels) {
    for (ptrdiff_t panel = 0; panel < p->panel_count;) {
        const int width = p->panel_count - panel < panels ? 1 : panels;
        const float *values = right + panel * p->panel_step;
        for (ptrdiff_t first = 0; first < p->row_count; first += rows) {
            const float *factors = left + first / ROWS * p->block_step + first % ROWS * p->row_step;
            float *target = output + first * p->output_stride + panel * COLUMNS;
            ptrdiff_t valid = p->row_count - first;
            if (valid < rows && p->k_step == 1) {
                // Behind the last row of a matrix that is not packed nothing may be read.
                for (; valid > 0; valid--, factors += p->row_step, target += p->output_stride) {
                    if (width == 2) multiply_tile(factors, values, p, 1, 2, 1, target);
                    else multiply_tile(factors, values, p, 1, 1, 1, target);
                }
            } else if (width == 2) {
                multiply_tile(factors, values, p, rows, 2, valid, target);
            } else {
                multiply_tile(factors, values, p, rows, 1, valid, target);
            }
        }
        panel += width;
    }
}

#if defined(__x86_64__)
/// 32 registers of 16: 24 sums, two values, the rest for factors.
AVX512 static void packed_avx512(const float *left, const float *right, product p, float *output) {
    p.row_step = 1;
    p.k_step = ROWS;
    multiply(left, right, &p, output, 12, 2);
}

AVX512 static void rows_avx512(const float *left, const float *right, product p, float *output) {
    p.k_step = 1;
    multiply(left, right, &p, output, 12, 2);
}

/// 16 registers of 8: 12 sums, two values, one factor.
AVX2 static void packed_avx2(const float *left, const float *right, product p, float *output) {
    p.row_step = 1;
    p.k_step = ROWS;
    multiply(left, right, &p, output, 6, 1);
}

AVX2 static void rows_avx2(const float *left, const float *right, product p, float *output) {
    p.k_step = 1;
    multiply(left, right, &p, output, 6, 1);
}
#endif

/// 16 registers of 4, or 32 of NEON: few rows, so that the sums stay in them.
static void any_portable(const float *left, const float *right, product p, float *output) {
    multiply(left, right, &p, output, 2, 1);
}

void kernel_multiply_packed(const float *left, ptrdiff_t row_count, const float *right, ptrdiff_t panel_count,
                            ptrdiff_t depth, float *output, ptrdiff_t output_stride) {
    const product p = {1, ROWS, depth * ROWS, row_count, depth * COLUMNS, panel_count, depth, false, output_stride};
#if defined(__x86_64__)
    switch (kernel_current_instruction_set()) {
    case kernel_avx512: packed_avx512(left, right, p, output); return;
    case kernel_avx2: packed_avx2(left, right, p, output); return;
    case kernel_portable: break;
    }
#endif
    any_portable(left, right, p, output);
}

void kernel_multiply_rows(const float *left, ptrdiff_t left_stride, ptrdiff_t row_count, const float *right,
                          ptrdiff_t panel_count, ptrdiff_t panel_depth, ptrdiff_t depth, bool accumulates,
                          float *output, ptrdiff_t output_stride) {
    const product p = {
        left_stride, 1, ROWS * left_stride, row_count, panel_depth * COLUMNS, panel_count, depth, accumulates,
        output_stride,
    };
#if defined(__x86_64__)
    switch (kernel_current_instruction_set()) {
    case kernel_avx512: rows_avx512(left, right, p, output); return;
    case kernel_avx2: rows_avx2(left, right, p, output); return;
    case kernel_portable: break;
    }
#endif
    any_portable(left, right, p, output);
}

void kernel_pack_panels(const float *rows, ptrdiff_t row_count, ptrdiff_t depth, float *panels) {
    for (ptrdiff_t first = 0; first < row_count; first += COLUMNS, panels += depth * COLUMNS) {
        const ptrdiff_t count = row_count - first < COLUMNS ? row_count - first : COLUMNS;
        // Sixteen values of each row at a time: a cache line in, sixteen lines out that stay in the first-level cache.
        for (ptrdiff_t start = 0; start < depth; start += 16) {
            const ptrdiff_t end = depth - start < 16 ? depth : start + 16;
            for (ptrdiff_t row = 0; row < COLUMNS; row++) {
                const float *source = rows + (first + row) * depth;
                if (row < count) {
                    for (ptrdiff_t k = start; k < end; k++) panels[k * COLUMNS + row] = source[k];
                } else {
                    for (ptrdiff_t k = start; k < end; k++) panels[k * COLUMNS + row] = 0;
                }
            }
        }
    }
}
