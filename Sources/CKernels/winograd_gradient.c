// Winograd's minimal filtering, backward pass: the adjoints of the output transform and of the kernel transform.

#include "multiversion.h"
#include "winograd.h"
#include "winograd_points.h"

/// Transforms one column or row of a tile by A: `count` values become `extent`.
INLINE void spread(const lanes *y, int step, int extent, int count, lanes *output, int output_step) {
    const int pairs = pair_count(extent), zero = has_zero(extent);
    if (zero) output[0] = y[0];
    UNROLL
    for (int pair = 0; pair < pairs; pair++) {
        lanes even = y[0], odd = point(pair) * y[step];
        UNROLL
        for (int i = 2; i < count; i++) {
            if (i % 2) odd += power(point(pair), i) * y[i * step];
            else even += power(point(pair), i) * y[i * step];
        }
        output[(zero + 2 * pair) * output_step] = even + odd;
        output[(zero + 2 * pair + 1) * output_step] = even - odd;
    }
    output[(extent - 1) * output_step] = y[(count - 1) * step];
}

INLINE void gradient_row(const float *gradient, const kernel_winograd_tiles *t, ptrdiff_t tile_row, ptrdiff_t channels,
                         const float *zeros, float *output, ptrdiff_t place_stride, ptrdiff_t tile_stride, int extent,
                         int m) {
    const ptrdiff_t top = tile_row * m;
    for (ptrdiff_t tile = 0; tile < t->tile_columns; tile++, output += tile_stride) {
        const ptrdiff_t left = tile * m;
        const float *sources[MOST * MOST];
        for (int i = 0; i < m; i++) {
            for (int j = 0; j < m; j++) {
                sources[i * m + j] = top + i < t->height && left + j < t->width
                                         ? gradient + ((top + i) * t->width + left + j) * t->pixel_stride
                                         : zeros;
            }
        }
        for (ptrdiff_t channel = 0; channel < channels; channel += LANES) {
            const ptrdiff_t count = channels - channel;
            lanes half[MOST * MOST];
            for (int j = 0; j < m; j++) {
                lanes column[MOST];
                UNROLL
                for (int i = 0; i < m; i++) load(column + i, sources[i * m + j] + channel, count);
                spread(column, 1, extent, m, half + j, m);
            }
            for (int i = 0; i < extent; i++) {
                lanes row[MOST];
                spread(half + i * m, 1, extent, m, row, 1);
                UNROLL
                for (int j = 0; j < extent; j++) {
                    memcpy(output + (i * extent + j) * place_stride + channel, row + j, sizeof(lanes));
                }
            }
        }
    }
}

INLINE void kernel_winograd_output_gradient_body(const float *gradient, const kernel_winograd_tiles *t,
                                                 ptrdiff_t tile_row, ptrdiff_t channels, const float *zeros,
                                                 float *output, ptrdiff_t place_stride, ptrdiff_t tile_stride) {
#define CASE(extent, m)                                                                                                \
    case extent * 10 + m:                                                                                              \
        gradient_row(gradient, t, tile_row, channels, zeros, output, place_stride, tile_stride, extent, m);            \
        break;
    switch (t->extent * 10 + t->output_extent) {
        WINOGRAD_TILES(CASE)
    }
#undef CASE
}

KERNEL_VERSIONS(kernel_winograd_output_gradient,
                (const float *gradient, const kernel_winograd_tiles *tiles, ptrdiff_t tile_row, ptrdiff_t channels,
                 const float *zeros, float *output, ptrdiff_t place_stride, ptrdiff_t tile_stride),
                (gradient, tiles, tile_row, channels, zeros, output, place_stride, tile_stride))

enum { KERNELS = 8 };

/// One element of each of eight kernels.
typedef double numbers __attribute__((vector_size(KERNELS * sizeof(double))));
typedef float narrow_numbers __attribute__((vector_size(KERNELS * sizeof(float)), aligned(4)));

INLINE void gather_kernels(const double *matrix, int n, int r, const float *products, ptrdiff_t place_stride,
                           ptrdiff_t present, float *result) {
    numbers half[MOST * MOST];
    for (int j = 0; j < n; j++) {
        numbers column[MOST];
        for (int i = 0; i < n; i++) {
            narrow_numbers values = {0};
            const float *source = products + (i * n + j) * place_stride;
            if (present == KERNELS) {
                memcpy(&values, source, sizeof values);
            } else {
                memcpy(&values, source, (size_t)present * sizeof(float));
            }
            column[i] = __builtin_convertvector(values, numbers);
        }
        for (int y = 0; y < r; y++) {
            numbers sum = {0};
            for (int i = 0; i < n; i++) sum += matrix[i * r + y] * column[i];
            half[y * n + j] = sum;
        }
    }
    for (int y = 0; y < r; y++) {
        for (int x = 0; x < r; x++) {
            numbers sum = {0};
            for (int j = 0; j < n; j++) sum += half[y * n + j] * matrix[j * r + x];
            for (ptrdiff_t lane = 0; lane < present; lane++) result[(lane * r + y) * r + x] = (float)sum[lane];
        }
    }
}

INLINE void kernel_winograd_kernel_gradient_body(const double *matrix, int extent, int kernel_extent,
                                                 const float *products, ptrdiff_t place_stride, ptrdiff_t count,
                                                 float *result) {
    const int r = kernel_extent;
    ptrdiff_t first = 0;
    for (; first + KERNELS <= count; first += KERNELS) {
        gather_kernels(matrix, extent, r, products + first, place_stride, KERNELS, result + first * r * r);
    }
    if (first < count) {
        gather_kernels(matrix, extent, r, products + first, place_stride, count - first, result + first * r * r);
    }
}

KERNEL_VERSIONS(kernel_winograd_kernel_gradient,
                (const double *matrix, int extent, int kernel_extent, const float *products, ptrdiff_t place_stride,
                 ptrdiff_t count, float *result),
                (matrix, extent, kernel_extent, products, place_stride, count, result))
