#pragma once

// The micro-kernel of integer matrix products: a register-blocked tile of 32-bit sums under a dot product for each
// instruction set. Both factors are read in groups of four bytes: four 8-bit or two 16-bit integers.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "multiversion.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define AVX512_VNNI __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")))
#endif

enum { COLUMNS = 16, GROUP_BYTES = 4, MOST_ROWS = 12, MOST_PANELS = 4 };

/// The sums of one row in a panel.
typedef int32_t sums __attribute__((vector_size(COLUMNS * sizeof(int32_t)), aligned(4)));

/// Adds to each column's sum the products of a group of inputs with the column's weights.
typedef void dot_product(sums *sum, uint32_t inputs, const void *weights);

/// Takes the sums of some rows in one panel. What is more than a few instructions must not be inlined: there are many tiles,
/// whose code has to stay in the instruction cache.
typedef void sums_writer(const sums *values, const void *target, ptrdiff_t row, ptrdiff_t row_count, ptrdiff_t column);

/// Parameters shared by all tiles of a product.
typedef struct {
    /// Distance between rows of inputs. Units: bytes.
    ptrdiff_t left_stride;
    /// Distance between panels, which are `[depth / group][column][group]`. Units: bytes.
    ptrdiff_t panel_step;
    ptrdiff_t group_count;
    ptrdiff_t panel_count;
    /// What the writer gets.
    const void *target;
} product;

/// The weights that a tile prefetches while it is multiplied; they may come from the L3 cache or from memory. Of each of the
/// next panels it takes a part, so that the tiles of one column of tiles take about all of it. With more than 64 tiles in a
/// column, whose own reading hides the rest, each takes a line.
typedef struct {
    const char *start;
    /// How far the tile gets in a group. Units: bytes.
    ptrdiff_t step;
} prefetched;

/// The micro-kernel: multiplies `rows` rows by `panels` panels in registers. `rows`, `panels`, `dot` and `write` are
/// constants once this is inlined.
INLINE void multiply_tile(const char *left, const char *right, const prefetched *next, const product *p, ptrdiff_t row,
                          ptrdiff_t panel, int rows, int panels, dot_product *dot, sums_writer *write) {
    sums totals[MOST_ROWS][MOST_PANELS];
    UNROLL
    for (int i = 0; i < rows; i++) {
        UNROLL
        for (int j = 0; j < panels; j++) totals[i][j] = (sums){0};
    }
    for (ptrdiff_t group = 0; group < p->group_count; group++) {
        UNROLL
        for (int j = 0; j < panels; j++) {
            __builtin_prefetch(next->start + j * p->panel_step + group * next->step, 0, 2);
        }
        UNROLL
        for (int i = 0; i < rows; i++) {
            uint32_t inputs;
            memcpy(&inputs, left + i * p->left_stride + group * GROUP_BYTES, sizeof inputs);
            UNROLL
            for (int j = 0; j < panels; j++) {
                dot(&totals[i][j], inputs, right + j * p->panel_step + group * GROUP_BYTES * COLUMNS);
            }
        }
    }
    UNROLL
    for (int j = 0; j < panels; j++) {
        // A copy, since sums that the writer gets a pointer to would not be kept in registers.
        _Alignas(64) sums column[MOST_ROWS];
        UNROLL
        for (int i = 0; i < rows; i++) column[i] = totals[i][j];
        write(column, p->target, row, rows, (panel + j) * COLUMNS);
    }
}

/// The arithmetic of a tile on inputs and weights that are in registers or the L1 cache.
///
/// - Returns: how many dot products were added to sums.
INLINE int64_t repeat_tile(ptrdiff_t rounds, int rows, int panels, dot_product *dot) {
    sums totals[MOST_ROWS][MOST_PANELS];
    UNROLL
    for (int i = 0; i < rows; i++) {
        UNROLL
        for (int j = 0; j < panels; j++) totals[i][j] = (sums){0};
    }
    _Alignas(64) char weights[MOST_PANELS][GROUP_BYTES * COLUMNS] = {0};
    uint32_t inputs = 0;
    for (ptrdiff_t round = 0; round < rounds; round++) {
        // The compiler does not know these values, so it computes every product.
        __asm__ volatile("" : "+m"(inputs), "+m"(weights));
        UNROLL
        for (int i = 0; i < rows; i++) {
            UNROLL
            for (int j = 0; j < panels; j++) dot(&totals[i][j], inputs, weights[j]);
        }
    }
    sums total = {0};
    UNROLL
    for (int i = 0; i < rows; i++) {
        UNROLL
        for (int j = 0; j < panels; j++) total += totals[i][j];
    }
    volatile int32_t sink = total[0];
    (void)sink;
    return (int64_t)rounds * rows * panels * COLUMNS;
}

/// Multiplies one tile of up to `most` rows.
INLINE void multiply_rows(const char *left, const char *right, const prefetched *next, const product *p, ptrdiff_t row,
                          ptrdiff_t panel, ptrdiff_t rows, int most, int panels, dot_product *dot,
                          sums_writer *write) {
#define CASE(count)                                                                                                    \
    case count:                                                                                                        \
        if (count <= most) multiply_tile(left, right, next, p, row, panel, count, panels, dot, write);                 \
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

/// Panels up to this size stay in the L2 cache beside the rows, also where it is small. Units: bytes.
enum { KEPT_PANEL_BYTES = 128 << 10 };

/// Multiplies all blocks of rows by all panels. Small panels stay in the cache while rows pass, so that the output is written
/// in the order of memory; of large ones, each passes once. Blocks have about equal heights.
INLINE void multiply_panels(const void *left, ptrdiff_t row_count, const void *right, const product *p, int most_rows,
                            int panels, dot_product *dot, sums_writer *write) {
    const ptrdiff_t blocks = (row_count + most_rows - 1) / most_rows;
    const ptrdiff_t steps = p->panel_count / panels + p->panel_count % panels;
    const bool keeps_panels = p->panel_count * p->panel_step <= KEPT_PANEL_BYTES;
    const ptrdiff_t outer_count = keeps_panels ? blocks : steps, inner_count = keeps_panels ? steps : blocks;
    for (ptrdiff_t outer = 0; outer < outer_count; outer++) {
        for (ptrdiff_t inner = 0; inner < inner_count; inner++) {
            const ptrdiff_t block = keeps_panels ? outer : inner, step = keeps_panels ? inner : outer;
            const ptrdiff_t first = block * row_count / blocks, rows = (block + 1) * row_count / blocks - first;
            // Whole steps come first, then the rest in single panels.
            const bool is_full = step < p->panel_count / panels;
            const ptrdiff_t panel = is_full ? step * panels : step + p->panel_count / panels * (panels - 1);
            const char *inputs = (const char *)left + first * p->left_stride;
            const char *weights = (const char *)right + panel * p->panel_step;
            // If panels stay, all are prefetched while the first rows pass.
            const ptrdiff_t parts = keeps_panels ? 1 : blocks;
            const ptrdiff_t line = GROUP_BYTES * COLUMNS;
            const prefetched next = {weights + (is_full ? panels : 1) * p->panel_step +
                                         (keeps_panels ? 0 : block * (p->group_count / parts) * line),
                                     line / parts};
            if (is_full) multiply_rows(inputs, weights, &next, p, first, panel, rows, most_rows, panels, dot, write);
            else multiply_rows(inputs, weights, &next, p, first, panel, rows, most_rows, 1, dot, write);
        }
    }
}
