// GEMM with a packed right-hand matrix: a register-blocked micro-kernel for each instruction set.

#include "panels.h"

#include <stdbool.h>
#include <string.h>

#include "multiversion.h"

enum { COLUMNS = KERNEL_PANEL_COLUMNS, MOST_ROWS = 12, MOST_PANELS = 4 };

/// One row of a panel.
typedef float lanes __attribute__((vector_size(COLUMNS * sizeof(float)), aligned(4)));

/// Parameters shared by all tiles of a product. Units: floats.
typedef struct {
    ptrdiff_t left_stride;
    /// Distance between panels.
    ptrdiff_t panel_step;
    ptrdiff_t depth;
    ptrdiff_t output_stride;
} product;

/// What the tiles after this one read. This one prefetches a part of it for each k.
typedef struct {
    const float *rows;
    const float *panels;
    /// How far the panels are prefetched for each k, so that the tiles that use the same panels share the work.
    ptrdiff_t panel_step;
} upcoming;

/// The micro-kernel: multiplies `rows` rows by `panels` panels and accumulates in registers. It prefetches the next rows,
/// which follow these, and the next panels: both come from beyond the L2 cache where a product is large.
///
/// `rows`, `panels` and `is_only` are constants once this is inlined, so that the loops are unrolled. `is_only` says that
/// no other tile reads the same panels.
INLINE void multiply_tile(const float *left, const float *right, const product *p, int rows, int panels, bool is_only,
                          upcoming next, float *output) {
    lanes sums[MOST_ROWS][MOST_PANELS];
    UNROLL
    for (int row = 0; row < rows; row++) {
        UNROLL
        for (int panel = 0; panel < panels; panel++) sums[row][panel] = (lanes){0};
    }
    for (ptrdiff_t k = 0; k < p->depth; k++) {
        lanes values[MOST_PANELS];
        UNROLL
        for (int panel = 0; panel < panels; panel++) {
            const float *source = right + panel * p->panel_step + k * COLUMNS;
            memcpy(&values[panel], source, sizeof(lanes));
        }
        __builtin_prefetch(next.rows, 0, 2);
        next.rows += rows;
        UNROLL
        for (int line = 0; line < (is_only ? panels : 1); line++) {
            __builtin_prefetch(next.panels + line * COLUMNS, 0, 2);
        }
        next.panels += next.panel_step;
        UNROLL
        for (int row = 0; row < rows; row++) {
            const float factor = left[row * p->left_stride + k];
            UNROLL
            for (int panel = 0; panel < panels; panel++) sums[row][panel] += factor * values[panel];
        }
    }
    UNROLL
    for (int row = 0; row < rows; row++) {
        UNROLL
        for (int panel = 0; panel < panels; panel++) {
            memcpy(output + row * p->output_stride + panel * COLUMNS, &sums[row][panel], sizeof(lanes));
        }
    }
}

/// Multiplies one tile of up to `most` rows.
INLINE void multiply_rows(const float *left, const float *right, const product *p, ptrdiff_t rows, int most, int panels,
                          bool is_only, upcoming next, float *output) {
#define CASE(count)                                                                                                    \
    case count:                                                                                                        \
        if (count <= most) multiply_tile(left, right, p, count, panels, is_only, next, output);                        \
        break;
    switch (rows) {
        CASE(1)
        CASE(2)
        CASE(3)
        CASE(4)
        CASE(5)
        CASE(6)
        CASE(7)
        CASE(8)
        CASE(9)
        CASE(10)
        CASE(11)
        CASE(12)
    }
#undef CASE
}

/// The outer loop runs over panels and the inner one over blocks of rows, so that the panels stay in the cache while
/// the left-hand matrix streams through it.
///
/// `most_rows` × `panels` accumulators fill the registers. Blocks have about equal heights, so that no small remainder
/// is left.
INLINE void multiply_panels(const float *left, ptrdiff_t row_count, const float *right, ptrdiff_t panel_count,
                            const product *p, float *output, int most_rows, int panels) {
    const ptrdiff_t blocks = (row_count + most_rows - 1) / most_rows;
    const ptrdiff_t panel_step = (panels * COLUMNS + blocks - 1) / blocks;
    for (ptrdiff_t panel = 0; panel < panel_count;) {
        const bool is_full = panel_count - panel >= panels;
        for (ptrdiff_t block = 0; block < blocks; block++) {
            const ptrdiff_t first = block * row_count / blocks, rows = (block + 1) * row_count / blocks - first;
            const float *factors = left + first * p->left_stride, *values = right + panel * p->panel_step;
            float *target = output + first * p->output_stride + panel * COLUMNS;
            const upcoming next = {factors + rows * p->left_stride,
                                   values + panels * p->panel_step + block * panel_step * p->depth, panel_step};
            if (!is_full) multiply_rows(factors, values, p, rows, most_rows, 1, false, next, target);
            else if (blocks == 1) multiply_rows(factors, values, p, rows, most_rows, panels, true, next, target);
            else multiply_rows(factors, values, p, rows, most_rows, panels, false, next, target);
        }
        panel += is_full ? panels : 1;
    }
}

#if defined(__x86_64__)
/// AVX-512 has 32 registers of 16 floats: 24 accumulators, two panel vectors, the rest for broadcast factors. With few
/// rows, more panels fit.
AVX512 static void multiply_avx512(const float *left, ptrdiff_t row_count, const float *right, ptrdiff_t panel_count,
                                   const product *p, float *output) {
    if (row_count <= 5) multiply_panels(left, row_count, right, panel_count, p, output, 5, 4);
    else multiply_panels(left, row_count, right, panel_count, p, output, 12, 2);
}

/// AVX2 has 16 registers of 8 floats: 12 accumulators, two panel vectors, one broadcast factor.
AVX2 static void multiply_avx2(const float *left, ptrdiff_t row_count, const float *right, ptrdiff_t panel_count,
                               const product *p, float *output) {
    if (row_count <= 3) multiply_panels(left, row_count, right, panel_count, p, output, 3, 2);
    else multiply_panels(left, row_count, right, panel_count, p, output, 6, 1);
}
#endif

/// SSE2 has 16 registers of 4 floats, NEON has 32. A tile has few rows, so that its accumulators fit.
static void multiply_portable(const float *left, ptrdiff_t row_count, const float *right, ptrdiff_t panel_count,
                              const product *p, float *output) {
    multiply_panels(left, row_count, right, panel_count, p, output, 2, 1);
}

void kernel_multiply_panels(const float *left, ptrdiff_t left_stride, ptrdiff_t row_count, const float *right,
                            ptrdiff_t panel_count, ptrdiff_t depth, float *output, ptrdiff_t output_stride) {
    const product p = {left_stride, depth * COLUMNS, depth, output_stride};
#if defined(__x86_64__)
    switch (kernel_current_instruction_set()) {
    case kernel_amx:
    case kernel_avx512: multiply_avx512(left, row_count, right, panel_count, &p, output); return;
    case kernel_avx2: multiply_avx2(left, row_count, right, panel_count, &p, output); return;
    case kernel_portable: break;
    }
#endif
    multiply_portable(left, row_count, right, panel_count, &p, output);
}

void kernel_pack_panels(const float *rows, ptrdiff_t row_count, ptrdiff_t depth, float *panels) {
    for (ptrdiff_t first = 0; first < row_count; first += COLUMNS, panels += depth * COLUMNS) {
        const ptrdiff_t count = row_count - first < COLUMNS ? row_count - first : COLUMNS;
        // Sixteen values of each row at a time: one cache line is read, and sixteen lines are written that stay in the
        // L1 cache.
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
