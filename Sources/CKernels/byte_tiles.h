#pragma once

// Matrix products of bytes in the tile registers of AMX. A panel of kernel_pack_bytes is a row of their tiles already:
// sixteen groups of four inputs, each with sixteen columns, are 1 KiB.
// - Source: Intel, "Intel 64 and IA-32 architectures software developer's manual", volume 1, chapter 18.

#include "integer_tile.h"

#if defined(__x86_64__)
#define AMX                                                                                                            \
    __attribute__((target("amx-tile,amx-int8,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")))
#define AMX_INLINE AMX static inline __attribute__((always_inline))

enum {
    /// The rows of a tile, and the bytes of each.
    TILE_ROWS = 16,
    TILE_ROW_BYTES = 64,
    TILE_BYTES = TILE_ROWS * TILE_ROW_BYTES,
};

/// The operand of `ldtilecfg`.
typedef struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} tile_configuration;

/// Tiles 0 to 3 hold sums, 4 and 5 inputs, 6 and 7 weights. Those of inputs and sums have `rows` rows.
AMX_INLINE void configure_tiles(uint8_t rows) {
    tile_configuration configuration = {.palette = 1};
    for (int tile = 0; tile < 8; tile++) {
        configuration.row_bytes[tile] = TILE_ROW_BYTES;
        configuration.rows[tile] = tile < 6 ? rows : TILE_ROWS;
    }
    _tile_loadconfig(&configuration);
}

/// Where a block's tiles of inputs and of weights start; each next tile is a row's length and a tile further.
typedef struct {
    const uint8_t *left[2];
    ptrdiff_t left_stride;
    const int8_t *right[2];
} tile_sources;

/// Adds the products of one or two rows of tiles with one or two panels.
AMX_INLINE void add_tiles(const tile_sources *s, ptrdiff_t count, bool two_rows, bool two_panels) {
    for (ptrdiff_t tile = 0; tile < count; tile++) {
        _tile_loadd(6, s->right[0] + tile * TILE_BYTES, TILE_ROW_BYTES);
        _tile_loadd(4, s->left[0] + tile * TILE_ROW_BYTES, s->left_stride);
        _tile_dpbusd(0, 4, 6);
        if (two_panels) {
            _tile_loadd(7, s->right[1] + tile * TILE_BYTES, TILE_ROW_BYTES);
            _tile_dpbusd(1, 4, 7);
        }
        if (two_rows) {
            _tile_loadd(5, s->left[1] + tile * TILE_ROW_BYTES, s->left_stride);
            _tile_dpbusd(2, 5, 6);
            if (two_panels) _tile_dpbusd(3, 5, 7);
        }
    }
}

/// What is left of a panel after its whole tiles, padded with zeros to a tile.
typedef struct {
    _Alignas(64) int8_t right[2][TILE_BYTES];
    _Alignas(64) uint8_t left[2][TILE_BYTES];
} tile_rests;

/// Computes the sums of one or two rows of tiles and panels, and writes those rows of each that are not written yet.
///
/// - Parameters:
///   - first: the first row of each row of tiles.
///   - written: how many of its rows the tiles before it have written.
///   - rest_groups: the groups of inputs after the whole tiles; their weights are in `rests`.
AMX_INLINE void multiply_tiles(const uint8_t *left, const int8_t *right, const product *p, const ptrdiff_t *first,
                               const ptrdiff_t *written, ptrdiff_t rows, ptrdiff_t panel, tile_rests *rests,
                               bool two_rows, bool two_panels, sums_writer *write) {
    const ptrdiff_t tile_count = p->group_count / TILE_ROWS, rest_groups = p->group_count % TILE_ROWS;
    tile_sources sources = {.left_stride = p->left_stride};
    for (int i = 0; i <= two_rows; i++) sources.left[i] = left + first[i] * p->left_stride;
    for (int j = 0; j <= two_panels; j++) sources.right[j] = right + (panel + j) * p->panel_step;
    _tile_zero(0);
    if (two_panels) _tile_zero(1);
    if (two_rows) {
        _tile_zero(2);
        if (two_panels) _tile_zero(3);
    }
    add_tiles(&sources, tile_count, two_rows, two_panels);
    if (rest_groups > 0) {
        const __mmask64 mask = ((__mmask64)1 << rest_groups * GROUP_BYTES) - 1;
        for (int i = 0; i <= two_rows; i++) {
            const uint8_t *source = sources.left[i] + tile_count * TILE_ROW_BYTES;
            for (ptrdiff_t row = 0; row < rows; row++) {
                _mm512_store_si512(rests->left[i] + row * TILE_ROW_BYTES,
                                   _mm512_maskz_loadu_epi8(mask, source + row * p->left_stride));
            }
        }
        const tile_sources rest = {
            {rests->left[0], rests->left[1]}, TILE_ROW_BYTES, {rests->right[0], rests->right[1]}};
        add_tiles(&rest, 1, two_rows, two_panels);
    }
    _Alignas(64) int32_t totals[2][2][TILE_ROWS][COLUMNS];
    _tile_stored(0, totals[0][0], TILE_ROW_BYTES);
    if (two_panels) _tile_stored(1, totals[0][1], TILE_ROW_BYTES);
    if (two_rows) {
        _tile_stored(2, totals[1][0], TILE_ROW_BYTES);
        if (two_panels) _tile_stored(3, totals[1][1], TILE_ROW_BYTES);
    }
    for (int i = 0; i <= two_rows; i++) {
        for (ptrdiff_t row = written[i]; row < rows; row++) {
            for (int j = 0; j <= two_panels; j++) {
                write((const sums *)totals[i][j][row], p->target, first[i] + row, (panel + j) * COLUMNS);
            }
        }
    }
}

/// The outer loop runs over pairs of panels and the inner one over pairs of rows of tiles. The last tile ends with the last
/// row, and shares rows with the one before it.
AMX_INLINE void multiply_in_tiles(const uint8_t *left, ptrdiff_t row_count, const int8_t *right, const product *p,
                                  sums_writer *write) {
    if (row_count == 0) return;
    const ptrdiff_t rows = row_count < TILE_ROWS ? row_count : TILE_ROWS;
    const ptrdiff_t tile_rows = (row_count + rows - 1) / rows;
    const ptrdiff_t rest_groups = p->group_count % TILE_ROWS;
    tile_rests rests = {0};
    configure_tiles((uint8_t)rows);
    for (ptrdiff_t panel = 0; panel < p->panel_count; panel += 2) {
        const bool two_panels = panel + 1 < p->panel_count;
        for (int j = 0; j <= two_panels && rest_groups > 0; j++) {
            memcpy(rests.right[j],
                   right + (panel + j) * p->panel_step + (p->group_count - rest_groups) * GROUP_BYTES * COLUMNS,
                   (size_t)rest_groups * GROUP_BYTES * COLUMNS);
        }
        for (ptrdiff_t tile = 0; tile < tile_rows; tile += 2) {
            ptrdiff_t first[2], written[2];
            for (int i = 0; i < 2; i++) {
                const ptrdiff_t next = (tile + i) * rows;
                first[i] = next + rows > row_count ? row_count - rows : next;
                written[i] = next - first[i];
            }
            const bool two_rows = tile + 1 < tile_rows;
            if (two_rows && two_panels) {
                multiply_tiles(left, right, p, first, written, rows, panel, &rests, true, true, write);
            } else if (two_rows) {
                multiply_tiles(left, right, p, first, written, rows, panel, &rests, true, false, write);
            } else if (two_panels) {
                multiply_tiles(left, right, p, first, written, rows, panel, &rests, false, true, write);
            } else {
                multiply_tiles(left, right, p, first, written, rows, panel, &rests, false, false, write);
            }
        }
    }
    _tile_release();
}
#endif
