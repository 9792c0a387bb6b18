// Winograd's minimal filtering in exact integers.

#include "integer_winograd.h"

#include <string.h>

#include "byte_rescaling.h"
#include "integer_tile.h"
#include "multiversion.h"

enum {
    EXTENT = KERNEL_INTEGER_TILE_EXTENT,
    OUTPUT = KERNEL_INTEGER_TILE_OUTPUT,
    PLACES = KERNEL_INTEGER_TILE_PLACES,
    CHANNELS = 32,
    TAPS = 3,
};

/// One element of a tile, for 32 input channels.
typedef int16_t channel_lanes __attribute__((vector_size(CHANNELS * sizeof(int16_t)), aligned(2)));
typedef uint8_t channel_bytes __attribute__((vector_size(CHANNELS), aligned(1)));
/// One element of a tile, for sixteen output channels. Unsigned integers wrap around without undefined behaviour.
typedef uint32_t output_lanes __attribute__((vector_size(COLUMNS * sizeof(uint32_t)), aligned(4)));

/// Transforms one column or row of a tile by Bᵀ in place: six values, `step` apart.
INLINE void transform_input(channel_lanes *d, int step) {
    const channel_lanes x0 = d[0], x1 = d[step], x2 = d[2 * step], x3 = d[3 * step], x4 = d[4 * step], x5 = d[5 * step];
    const channel_lanes even1 = x4 - 4 * x2, odd1 = x3 - 4 * x1, even2 = x4 - x2, odd2 = 2 * (x3 - x1);
    d[0] = 4 * (x0 - x2) + even2;
    d[step] = even1 + odd1;
    d[2 * step] = even1 - odd1;
    d[3 * step] = even2 + odd2;
    d[4 * step] = even2 - odd2;
    d[5 * step] = x5 - x3 - 4 * (x3 - x1);
}

INLINE void kernel_integer_winograd_input_body(const uint8_t *image, const kernel_integer_tiles *t, ptrdiff_t channels,
                                               const uint8_t *outside, const ptrdiff_t *places, ptrdiff_t tile_stride,
                                               int16_t *output) {
    const ptrdiff_t written = (channels + 1) / 2 * 2;
    for (ptrdiff_t tile = 0; tile < t->tile_columns; tile++, output += tile_stride) {
        const ptrdiff_t left = t->left + tile * OUTPUT;
        const uint8_t *sources[PLACES];
        for (int i = 0; i < EXTENT; i++) {
            const ptrdiff_t y = t->top + i;
            const bool is_row = y >= 0 && y < t->height;
            for (int j = 0; j < EXTENT; j++) {
                const ptrdiff_t x = left + j;
                sources[i * EXTENT + j] =
                    is_row && x >= 0 && x < t->width ? image + (y * t->width + x) * t->pixel_stride : outside;
            }
        }
        for (ptrdiff_t channel = 0; channel < written; channel += CHANNELS) {
            channel_lanes d[PLACES];
            for (int j = 0; j < EXTENT; j++) {
                UNROLL
                for (int i = 0; i < EXTENT; i++) {
                    channel_bytes bytes;
                    memcpy(&bytes, sources[i * EXTENT + j] + channel, sizeof bytes);
                    d[i * EXTENT + j] = __builtin_convertvector(bytes, channel_lanes);
                }
                transform_input(d + j, EXTENT);
            }
            const ptrdiff_t rest = written - channel;
            for (int i = 0; i < EXTENT; i++) {
                transform_input(d + i * EXTENT, 1);
                UNROLL
                for (int j = 0; j < EXTENT; j++) {
                    const ptrdiff_t place = places[i * EXTENT + j];
                    if (place < 0) continue;
                    int16_t *target = output + place + channel;
                    if (rest >= CHANNELS) memcpy(target, d + i * EXTENT + j, sizeof(channel_lanes));
                    else memcpy(target, d + i * EXTENT + j, (size_t)rest * sizeof(int16_t));
                }
            }
        }
    }
}

KERNEL_VERSIONS(kernel_integer_winograd_input,
                (const uint8_t *image, const kernel_integer_tiles *tiles, ptrdiff_t channels, const uint8_t *outside,
                 const ptrdiff_t *places, ptrdiff_t tile_stride, int16_t *output),
                (image, tiles, channels, outside, places, tile_stride, output))

void kernel_space_to_depth_bytes(const uint8_t *image, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels,
                                 ptrdiff_t pixel_stride, ptrdiff_t stride, ptrdiff_t padding_height,
                                 ptrdiff_t padding_width, uint8_t zero_point, ptrdiff_t first_row, ptrdiff_t rows,
                                 ptrdiff_t columns, uint8_t *output) {
    const ptrdiff_t run = stride * channels, depth = stride * run;
    const bool is_dense = pixel_stride == channels;
    for (ptrdiff_t row = 0; row < rows; row++) {
        for (ptrdiff_t phase = 0; phase < stride; phase++) {
            const ptrdiff_t y = (first_row + row) * stride + phase - padding_height;
            uint8_t *target = output + row * columns * depth + phase * run;
            for (ptrdiff_t column = 0; column < columns; column++, target += depth) {
                const ptrdiff_t x = column * stride - padding_width;
                if (y < 0 || y >= height) {
                    memset(target, zero_point, (size_t)run);
                } else if (is_dense && x >= 0 && x + stride <= width) {
                    const uint8_t *source = image + (y * width + x) * channels;
                    if (run == 12) memcpy(target, source, 12);
                    else memcpy(target, source, (size_t)run);
                } else {
                    for (ptrdiff_t i = 0; i < stride; i++) {
                        if (x + i >= 0 && x + i < width) {
                            memcpy(target + i * channels, image + (y * width + x + i) * pixel_stride, (size_t)channels);
                        } else {
                            memset(target + i * channels, zero_point, (size_t)channels);
                        }
                    }
                }
            }
        }
    }
}

/// Transforms one column or row of a kernel by 24·G, the last row by 12·G: three values become six.
INLINE void transform_kernel(const sums *g, int step, sums *u, int output_step) {
    const sums ends = g[0] + g[2 * step], wide = g[0] + 4 * g[2 * step];
    u[0] = 6 * g[0];
    u[output_step] = -4 * (ends + g[step]);
    u[2 * output_step] = -4 * (ends - g[step]);
    u[3 * output_step] = wide + 2 * g[step];
    u[4 * output_step] = wide - 2 * g[step];
    u[5 * output_step] = 12 * g[2 * step];
}

INLINE void transform_part(const int8_t *panel, ptrdiff_t channels, ptrdiff_t kernel_width, int row, int column, int rows,
                           int columns, ptrdiff_t channel, sums *u) {
    sums g[TAPS * TAPS], half[EXTENT * TAPS];
    for (int y = 0; y < TAPS; y++) {
        for (int x = 0; x < TAPS; x++) {
            sums *tap = g + y * TAPS + x;
            *tap = (sums){0};
            if (y >= rows || x >= columns || channel >= channels) continue;
            const ptrdiff_t k = ((row + y) * kernel_width + column + x) * channels + channel;
            memcpy(tap, panel + k / GROUP_BYTES * GROUP_BYTES * COLUMNS, sizeof *tap);
            // The byte is moved to the top and extended by its sign.
            *tap = (sums)((output_lanes)*tap << (8 * (3 - k % GROUP_BYTES))) >> 24;
        }
    }
    for (int x = 0; x < TAPS; x++) transform_kernel(g + x, TAPS, half + x, TAPS);
    for (int i = 0; i < EXTENT; i++) transform_kernel(half + i * TAPS, 1, u + i * EXTENT, 1);
}

INLINE void kernel_integer_winograd_kernels_body(const int8_t *panel, ptrdiff_t channels, ptrdiff_t kernel_width, int row,
                                                 int column, int rows, int columns, const ptrdiff_t *places,
                                                 int16_t *output) {
    for (ptrdiff_t channel = 0; channel < channels; channel += 2) {
        sums first[PLACES], second[PLACES];
        transform_part(panel, channels, kernel_width, row, column, rows, columns, channel, first);
        transform_part(panel, channels, kernel_width, row, column, rows, columns, channel + 1, second);
        for (int place = 0; place < PLACES; place++) {
            if (places[place] < 0) continue;
            const output_lanes pairs = ((output_lanes)first[place] & 0xFFFF) | (output_lanes)second[place] << 16;
            memcpy(output + places[place] + channel * COLUMNS, &pairs, sizeof pairs);
        }
    }
}

KERNEL_VERSIONS(kernel_integer_winograd_kernels,
                (const int8_t *panel, ptrdiff_t channels, ptrdiff_t kernel_width, int row, int column, int rows,
                 int columns, const ptrdiff_t *places, int16_t *output),
                (panel, channels, kernel_width, row, column, rows, columns, places, output))

/// Transforms one column or row of products by Aᵀ, with the last product doubled: six values become four.
INLINE void transform_output(const output_lanes *m, output_lanes *y, int output_step) {
    const output_lanes sum1 = m[1] + m[2], difference1 = m[1] - m[2];
    const output_lanes sum2 = m[3] + m[4], difference2 = 2 * (m[3] - m[4]);
    y[0] = m[0] + sum1 + sum2;
    y[output_step] = difference1 + difference2;
    y[2 * output_step] = sum1 + 4 * sum2;
    y[3 * output_step] = difference1 + 4 * difference2 + 2 * m[5];
}

INLINE ptrdiff_t smaller(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

/// Writes the pixels of a tile, `rows` × `columns` of them, for up to sixteen channels from `channel` on. The counts are
/// constants where the tile is whole. `corner` is the place of the first pixel in the output.
INLINE void write_tile(const output_lanes *y, const kernel_byte_rescaling *r, ptrdiff_t channel, ptrdiff_t corner,
                       ptrdiff_t row_stride, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t channels, int addends) {
    const panel_rescaling panel = load_rescaling(r, channel);
    // 9 · 0x38E38E39 is 1 modulo 2³².
    const uint32_t ninth = 0x38E38E39;
    UNROLL
    for (ptrdiff_t i = 0; i < OUTPUT; i++) {
        UNROLL
        for (ptrdiff_t j = 0; j < OUTPUT; j++) {
            if (i >= rows || j >= columns) continue;
            const sums values = (sums)(y[i * OUTPUT + j] * ninth) >> 6;
            float_lanes pixel;
            rescale(&values, &panel, &pixel);
            const ptrdiff_t place = corner + i * row_stride + j * r->output_stride;
            add_addends(&r->addends, &pixel, place, channels, addends);
            if (r->bytes == NULL) rectify(&pixel, r->relu);
            write_values(r, &pixel, place, channels, r->bytes != NULL);
        }
    }
}

INLINE void kernel_integer_winograd_output_body(const int32_t *products, ptrdiff_t place_stride, ptrdiff_t tile_stride,
                                                ptrdiff_t tile_columns, ptrdiff_t first_row, ptrdiff_t height,
                                                ptrdiff_t width, ptrdiff_t image_width,
                                                const kernel_byte_rescaling *r) {
    const ptrdiff_t rows = smaller(height, OUTPUT), row_stride = image_width * r->output_stride;
    const int addends = kind_of_addends(&r->addends);
    for (ptrdiff_t tile = 0; tile < tile_columns; tile++, products += tile_stride) {
        const ptrdiff_t left = tile * OUTPUT, columns = smaller(width - left, OUTPUT);
        for (ptrdiff_t channel = 0; channel < r->column_count; channel += COLUMNS) {
            const ptrdiff_t corner = (first_row * image_width + left) * r->output_stride + channel;
            // Each pixel is another cache line, which no hardware prefetcher foresees.
            for (ptrdiff_t i = 0; i < rows; i++) {
                for (ptrdiff_t j = 0; j < columns; j++) {
                    const ptrdiff_t place = corner + i * row_stride + j * r->output_stride;
                    if (r->bytes) __builtin_prefetch(r->bytes + place, 1, 3);
                    else __builtin_prefetch(r->output + place, 1, 3);
                }
            }
            output_lanes half[OUTPUT * EXTENT], y[OUTPUT * OUTPUT];
            for (int j = 0; j < EXTENT; j++) {
                output_lanes column[EXTENT];
                UNROLL
                for (int i = 0; i < EXTENT; i++) {
                    memcpy(column + i, products + (i * EXTENT + j) * place_stride + channel, sizeof(output_lanes));
                }
                transform_output(column, half + j, EXTENT);
            }
            UNROLL
            for (int i = 0; i < OUTPUT; i++) transform_output(half + i * EXTENT, y + i * OUTPUT, 1);
            const ptrdiff_t rest = smaller(r->column_count - channel, COLUMNS);
            if (rows < OUTPUT || columns < OUTPUT || rest < COLUMNS) {
                write_tile(y, r, channel, corner, row_stride, rows, columns, rest, addends);
            } else if (addends == ADDS_NOTHING) {
                write_tile(y, r, channel, corner, row_stride, OUTPUT, OUTPUT, COLUMNS, ADDS_NOTHING);
            } else {
                write_tile(y, r, channel, corner, row_stride, OUTPUT, OUTPUT, COLUMNS, addends);
            }
        }
    }
}

KERNEL_VERSIONS(kernel_integer_winograd_output,
                (const int32_t *products, ptrdiff_t place_stride, ptrdiff_t tile_stride, ptrdiff_t tile_columns,
                 ptrdiff_t first_row, ptrdiff_t height, ptrdiff_t width, ptrdiff_t image_width,
                 const kernel_byte_rescaling *rescaling),
                (products, place_stride, tile_stride, tile_columns, first_row, height, width, image_width, rescaling))
