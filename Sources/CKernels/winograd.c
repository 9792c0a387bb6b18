// Winograd's minimal filtering: the input and output transforms, and space-to-depth.

#include "winograd.h"

#include <string.h>

#include "clipped_copy.h"
#include "multiversion.h"
#include "winograd_points.h"

// The interpolation points are 0 (only if the extent is even), then pairs ±p, then infinity. Let z = 1 if 0 is a point,
// else z = 0, and let E be the product of x² - p² over the other pairs. The rows of Bᵀ are then the coefficients of
//   for 0            Π (x² - p²)
//   for ±p           xᶻ · (x ± p) · E(x²)
//   for infinity     xᶻ · Π (x² - p²)
// The two rows of a pair ±p are the sum and the difference of the same even and odd part, which are computed once.

/// The coefficient of x²ᵏ in the product of x² - p² over all pairs except `left_out`. `left_out` = `pairs` leaves none
/// out.
INLINE float even_coefficient(int pairs, int left_out, int k) {
    static const float coefficients[3][4][4] = {
        {{1}, {-1, 1}},
        {{-4, 1}, {-1, 1}, {4, -5, 1}},
        {{1, -4.25f, 1}, {0.25f, -1.25f, 1}, {4, -5, 1}, {-1, 5.25f, -5.25f, 1}},
    };
    return coefficients[pairs - 1][left_out][k];
}

/// Transforms one column or row of a tile by Bᵀ in place: `extent` values, `step` apart.
INLINE void transform_input(lanes *d, int step, int extent) {
    const int pairs = pair_count(extent), zero = has_zero(extent);
    lanes x[MOST];
    UNROLL
    for (int i = 0; i < extent; i++) x[i] = d[i * step];
    if (zero) {
        lanes sum = x[2 * pairs];
        UNROLL
        for (int k = 0; k < pairs; k++) sum += even_coefficient(pairs, pairs, k) * x[2 * k];
        d[0] = sum;
    }
    UNROLL
    for (int pair = 0; pair < pairs; pair++) {
        lanes even = x[zero + 2 * pairs - 2], odd = x[zero + 2 * pairs - 1];
        UNROLL
        for (int k = 0; k < pairs - 1; k++) {
            even += even_coefficient(pairs, pair, k) * x[zero + 2 * k];
            odd += even_coefficient(pairs, pair, k) * x[zero + 2 * k + 1];
        }
        d[(zero + 2 * pair) * step] = odd + point(pair) * even;
        d[(zero + 2 * pair + 1) * step] = odd - point(pair) * even;
    }
    lanes sum = x[zero + 2 * pairs];
    UNROLL
    for (int k = 0; k < pairs; k++) sum += even_coefficient(pairs, pairs, k) * x[zero + 2 * k];
    d[(extent - 1) * step] = sum;
}

/// Transforms one column or row of a tile by Aᵀ: `extent` values become `count`.
INLINE void transform_output(const lanes *m, int step, int extent, int count, lanes *y, int output_step) {
    const int pairs = pair_count(extent), zero = has_zero(extent);
    lanes sums[3], differences[3];
    UNROLL
    for (int pair = 0; pair < pairs; pair++) {
        const lanes plus = m[(zero + 2 * pair) * step], minus = m[(zero + 2 * pair + 1) * step];
        sums[pair] = plus + minus;
        differences[pair] = plus - minus;
    }
    UNROLL
    for (int i = 0; i < count; i++) {
        lanes value = i % 2 ? differences[0] : sums[0];
        UNROLL
        for (int pair = 1; pair < pairs; pair++) {
            value += power(point(pair), i) * (i % 2 ? differences[pair] : sums[pair]);
        }
        if (zero && i == 0) value += m[0];
        if (i == count - 1) value += m[(extent - 1) * step];
        y[i * output_step] = value;
    }
}

INLINE ptrdiff_t smaller(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

INLINE void store(float *target, const lanes *value, ptrdiff_t count) {
    memcpy(target, value, count >= LANES ? sizeof(lanes) : (size_t)count * sizeof(float));
}

INLINE void input_row(const float *image, const kernel_winograd_tiles *t, ptrdiff_t tile_row, ptrdiff_t channels,
                      const float *zeros, float *output, ptrdiff_t place_stride, ptrdiff_t tile_stride, int extent) {
    const ptrdiff_t top = tile_row * t->output_extent - t->padding_height;
    for (ptrdiff_t tile = 0; tile < t->tile_columns; tile++, output += tile_stride) {
        const ptrdiff_t left = tile * t->output_extent - t->padding_width;
        const float *sources[MOST * MOST];
        for (int i = 0; i < extent; i++) {
            const ptrdiff_t y = top + i;
            const bool is_row = y >= 0 && y < t->height;
            for (int j = 0; j < extent; j++) {
                const ptrdiff_t x = left + j;
                sources[i * extent + j] =
                    is_row && x >= 0 && x < t->width ? image + (y * t->width + x) * t->pixel_stride : zeros;
            }
        }
        for (ptrdiff_t channel = 0; channel < channels; channel += LANES) {
            const ptrdiff_t count = channels - channel;
            lanes d[MOST * MOST];
            for (int j = 0; j < extent; j++) {
                UNROLL
                for (int i = 0; i < extent; i++) {
                    load(d + i * extent + j, sources[i * extent + j] + channel, count);
                }
                transform_input(d + j, extent, extent);
            }
            for (int i = 0; i < extent; i++) {
                transform_input(d + i * extent, 1, extent);
                UNROLL
                for (int j = 0; j < extent; j++) {
                    memcpy(output + (i * extent + j) * place_stride + channel, d + i * extent + j, sizeof(lanes));
                }
            }
        }
    }
}

INLINE void kernel_winograd_input_body(const float *image, const kernel_winograd_tiles *t, ptrdiff_t tile_row,
                                       ptrdiff_t channels, const float *zeros, float *output, ptrdiff_t place_stride,
                                       ptrdiff_t tile_stride) {
    switch (t->extent) {
    case 4: input_row(image, t, tile_row, channels, zeros, output, place_stride, tile_stride, 4); break;
    case 6: input_row(image, t, tile_row, channels, zeros, output, place_stride, tile_stride, 6); break;
    case 7: input_row(image, t, tile_row, channels, zeros, output, place_stride, tile_stride, 7); break;
    case 8: input_row(image, t, tile_row, channels, zeros, output, place_stride, tile_stride, 8); break;
    }
}

KERNEL_VERSIONS(kernel_winograd_input,
                (const float *image, const kernel_winograd_tiles *tiles, ptrdiff_t tile_row, ptrdiff_t channels,
                 const float *zeros, float *output, ptrdiff_t place_stride, ptrdiff_t tile_stride),
                (image, tiles, tile_row, channels, zeros, output, place_stride, tile_stride))

INLINE void output_row(const float *products, ptrdiff_t place_stride, ptrdiff_t tile_stride,
                       const kernel_winograd_tiles *t, ptrdiff_t tile_row, ptrdiff_t channels, const float *bias,
                       bool relu, float *image, int extent, int m) {
    const ptrdiff_t top = tile_row * m, height = smaller(t->height - top, m);
    for (ptrdiff_t tile = 0; tile < t->tile_columns; tile++, products += tile_stride) {
        const ptrdiff_t left = tile * m, width = smaller(t->width - left, m);
        float *corner = image + (top * t->width + left) * t->pixel_stride;
        for (ptrdiff_t channel = 0; channel < channels; channel += LANES) {
            const ptrdiff_t count = channels - channel;
            lanes b;
            load(&b, bias + channel, count);
            lanes half[MOST * MOST], y[MOST * MOST];
            for (int j = 0; j < extent; j++) {
                lanes column[MOST];
                UNROLL
                for (int i = 0; i < extent; i++) {
                    memcpy(column + i, products + (i * extent + j) * place_stride + channel, sizeof(lanes));
                }
                transform_output(column, 1, extent, m, half + j, extent);
            }
            for (int i = 0; i < m; i++) {
                transform_output(half + i * extent, 1, extent, m, y + i * m, 1);
                UNROLL
                for (int j = 0; j < m; j++) {
                    const lanes value = y[i * m + j] + b;
                    // A comparison gives a mask of all ones or all zeros. NaN compares false and is kept.
                    y[i * m + j] = relu ? (lanes)((__typeof__(value < 0))value & ~(value < 0)) : value;
                }
            }
            for (ptrdiff_t i = 0; i < height; i++) {
                float *target = corner + i * t->width * t->pixel_stride + channel;
                for (ptrdiff_t j = 0; j < width; j++) store(target + j * t->pixel_stride, y + i * m + j, count);
            }
        }
    }
}

INLINE void kernel_winograd_output_body(const float *products, ptrdiff_t place_stride, ptrdiff_t tile_stride,
                                        const kernel_winograd_tiles *t, ptrdiff_t tile_row, ptrdiff_t channels,
                                        const float *bias, bool relu, float *image) {
#define CASE(extent, m)                                                                                                \
    case extent * 10 + m:                                                                                              \
        output_row(products, place_stride, tile_stride, t, tile_row, channels, bias, relu, image, extent, m);          \
        break;
    switch (t->extent * 10 + t->output_extent) {
        WINOGRAD_TILES(CASE)
    }
#undef CASE
}

KERNEL_VERSIONS(kernel_winograd_output,
                (const float *products, ptrdiff_t place_stride, ptrdiff_t tile_stride,
                 const kernel_winograd_tiles *tiles, ptrdiff_t tile_row, ptrdiff_t channels, const float *bias, bool relu,
                 float *image),
                (products, place_stride, tile_stride, tiles, tile_row, channels, bias, relu, image))

INLINE void kernel_space_to_depth_body(const float *image, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels,
                                       ptrdiff_t pixel_stride, ptrdiff_t stride, ptrdiff_t padding_height,
                                       ptrdiff_t padding_width, ptrdiff_t first_row, ptrdiff_t rows, ptrdiff_t columns,
                                       float *output) {
    const ptrdiff_t run = stride * channels, depth = stride * run;
    for (ptrdiff_t row = 0; row < rows; row++) {
        for (ptrdiff_t phase = 0; phase < stride; phase++) {
            const ptrdiff_t y = (first_row + row) * stride + phase - padding_height;
            float *target = output + row * columns * depth + phase * run;
            for (ptrdiff_t column = 0; column < columns; column++, target += depth) {
                const ptrdiff_t x = column * stride - padding_width;
                if (y < 0 || y >= height) {
                    memset(target, 0, (size_t)run * sizeof(float));
                } else if (pixel_stride == channels) {
                    const float *source = image + y * width * channels;
                    if (run == 12 && x >= 0 && x + stride <= width) {
                        memcpy(target, source + x * channels, 12 * sizeof(float));
                    } else {
                        copy_clipped(source, x * channels, run, width * channels, target);
                    }
                } else {
                    for (ptrdiff_t i = 0; i < stride; i++) {
                        const bool is_inside = x + i >= 0 && x + i < width;
                        if (is_inside) {
                            memcpy(target + i * channels, image + (y * width + x + i) * pixel_stride,
                                   (size_t)channels * sizeof(float));
                        } else {
                            memset(target + i * channels, 0, (size_t)channels * sizeof(float));
                        }
                    }
                }
            }
        }
    }
}

KERNEL_VERSIONS(kernel_space_to_depth,
                (const float *image, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels, ptrdiff_t pixel_stride,
                 ptrdiff_t stride, ptrdiff_t padding_height, ptrdiff_t padding_width, ptrdiff_t first_row, ptrdiff_t rows,
                 ptrdiff_t columns, float *output),
                (image, height, width, channels, pixel_stride, stride, padding_height, padding_width, first_row, rows,
                 columns, output))
