#pragma once

// Matrix products of bytes in the tile registers of AMX. A panel of kernel_pack_bytes is a column of their tiles already:
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
    /// Panels of this size stay in the L2 cache, which is 2 MiB on CPUs with AMX, beside the rows. Units: bytes.
    KEPT_BYTES = 512 << 10,
};

/// The operand of `ldtilecfg`.
typedef struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} tile_configuration;

/// Tiles 0 to 3 hold sums, 4 and 5 inputs, 6 and 7 weights. Those of inputs and sums have `rows` rows.
AMX_INLINE void configure_tiles(ptrdiff_t rows) {
    tile_configuration configuration = {.palette = 1};
    for (int tile = 0; tile < 8; tile++) {
        configuration.row_bytes[tile] = TILE_ROW_BYTES;
        configuration.rows[tile] = tile < 6 ? (uint8_t)rows : TILE_ROWS;
    }
    _tile_loadconfig(&configuration);
}

/// Where the tiles of inputs and of weights start; each next tile is a row's length and a tile further.
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

/// A part of the output: one or two rows of tiles by one or two panels.
typedef struct {
    /// The first row of each row of tiles.
    ptrdiff_t first[2];
    /// How many rows of each the tiles before it have written.
    ptrdiff_t written[2];
    /// The rows of a tile.
    ptrdiff_t rows;
    /// The first panel.
    ptrdiff_t panel;
} tile_block;

/// Computes a block and writes it. `two_rows`, `two_panels` and `write` are constants once this is inlined.
AMX_INLINE void multiply_block(const tile_block *b, const uint8_t *left, const int8_t *right, const product *p,
                               bool two_rows, bool two_panels, sums_writer *write) {
    // The last tile may reach beyond the inputs, where the panels are padded with zeros.
    const ptrdiff_t tile_count = (p->group_count + TILE_ROWS - 1) / TILE_ROWS;
    tile_sources sources = {.left_stride = p->left_stride};
    for (int i = 0; i <= two_rows; i++) sources.left[i] = left + b->first[i] * p->left_stride;
    for (int j = 0; j <= two_panels; j++) sources.right[j] = right + (b->panel + j) * p->panel_step;
    _tile_zero(0);
    if (two_panels) _tile_zero(1);
    if (two_rows) _tile_zero(2);
    if (two_rows && two_panels) _tile_zero(3);
    add_tiles(&sources, tile_count, two_rows, two_panels);
    _Alignas(64) int32_t totals[2][2][TILE_ROWS][COLUMNS];
    _tile_stored(0, totals[0][0], TILE_ROW_BYTES);
    if (two_panels) _tile_stored(1, totals[0][1], TILE_ROW_BYTES);
    if (two_rows) _tile_stored(2, totals[1][0], TILE_ROW_BYTES);
    if (two_rows && two_panels) _tile_stored(3, totals[1][1], TILE_ROW_BYTES);
    for (int i = 0; i <= two_rows; i++) {
        for (int j = 0; j <= two_panels; j++) {
            write((const sums *)totals[i][j][b->written[i]], p->target, b->first[i] + b->written[i],
                  b->rows - b->written[i], (b->panel + j) * COLUMNS);
        }
    }
}

/// Small panels stay in the cache while rows pass, so that the output is written in the order of memory; of large ones,
/// each pair passes once. The last tile ends with the last row, and shares rows with the one before it.
AMX_INLINE void multiply_in_tiles(const uint8_t *left, ptrdiff_t row_count, const int8_t *right, const product *p,
                                  sums_writer *write) {
    if (row_count == 0) return;
    const ptrdiff_t rows = row_count < TILE_ROWS ? row_count : TILE_ROWS;
    const ptrdiff_t tile_rows = (row_count + rows - 1) / rows;
    const ptrdiff_t row_pairs = (tile_rows + 1) / 2, panel_pairs = (p->panel_count + 1) / 2;
    const bool keeps_panels = p->panel_count * p->panel_step <= KEPT_BYTES;
    configure_tiles(rows);
    for (ptrdiff_t pair = 0; pair < row_pairs * panel_pairs; pair++) {
        const ptrdiff_t tile = 2 * (keeps_panels ? pair / panel_pairs : pair % row_pairs);
        tile_block block = {.rows = rows, .panel = 2 * (keeps_panels ? pair % panel_pairs : pair / row_pairs)};
        for (int i = 0; i < 2; i++) {
            const ptrdiff_t next = (tile + i) * rows;
            block.first[i] = next + rows > row_count ? row_count - rows : next;
            block.written[i] = next - block.first[i];
        }
        const bool two_rows = tile + 1 < tile_rows, two_panels = block.panel + 1 < p->panel_count;
        if (two_rows && two_panels) multiply_block(&block, left, right, p, true, true, write);
        else if (two_rows) multiply_block(&block, left, right, p, true, false, write);
        else if (two_panels) multiply_block(&block, left, right, p, false, true, write);
        else multiply_block(&block, left, right, p, false, false, write);
    }
    _tile_release();
}
#endif
