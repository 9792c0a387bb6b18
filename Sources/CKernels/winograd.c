#include "winograd.h"

#include <string.h>

#include "multiversion.h"

enum { LANES = KERNEL_WINOGRAD_LANES, M = KERNEL_WINOGRAD_OUTPUT };

/// One value of sixteen tiles.
typedef float lanes __attribute__((vector_size(LANES * sizeof(float)), aligned(4)));

/// Bᵀ of F(4, 3) for the points 0, ±1, ±2 and ∞, along six values that lie `step` apart.
INLINE void input_6(lanes *d, ptrdiff_t step) {
    const lanes d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step], d5 = d[5 * step];
    const lanes even = d4 - 4 * d2, odd = d3 - 4 * d1;
    const lanes even2 = d4 - d2, odd2 = 2 * (d3 - d1);
    d[0] = 4 * d0 - 5 * d2 + d4;
    d[step] = even + odd;
    d[2 * step] = even - odd;
    d[3 * step] = even2 + odd2;
    d[4 * step] = even2 - odd2;
    d[5 * step] = 4 * d1 - 5 * d3 + d5;
}

/// Bᵀ of eight values for the points 0, ±1, ±2, ±1/2 and ∞.
INLINE void input_8(lanes *d, ptrdiff_t step) {
    const lanes d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step];
    const lanes d4 = d[4 * step], d5 = d[5 * step], d6 = d[6 * step], d7 = d[7 * step];
    const lanes even = d2 - 4.25f * d4 + d6, odd = d1 - 4.25f * d3 + d5;
    const lanes even2 = 0.25f * d2 - 1.25f * d4 + d6, odd2 = 0.5f * d1 - 2.5f * d3 + 2 * d5;
    const lanes evenHalf = 4 * d2 - 5 * d4 + d6, oddHalf = 2 * d1 - 2.5f * d3 + 0.5f * d5;
    d[0] = d0 - d6 + 5.25f * (d4 - d2);
    d[step] = even + odd;
    d[2 * step] = even - odd;
    d[3 * step] = even2 + odd2;
    d[4 * step] = even2 - odd2;
    d[5 * step] = evenHalf + oddHalf;
    d[6 * step] = evenHalf - oddHalf;
    d[7 * step] = d7 - d1 + 5.25f * (d3 - d5);
}

/// Aᵀ of F(4, 3): six values become four.
INLINE void output_6(const lanes *m, ptrdiff_t step, lanes *y, ptrdiff_t output_step) {
    const lanes sum1 = m[step] + m[2 * step], difference1 = m[step] - m[2 * step];
    const lanes sum2 = m[3 * step] + m[4 * step], difference2 = m[3 * step] - m[4 * step];
    y[0] = m[0] + sum1 + sum2;
    y[output_step] = difference1 + 2 * difference2;
    y[2 * output_step] = sum1 + 4 * sum2;
    y[3 * output_step] = difference1 + 8 * difference2 + m[5 * step];
}

/// Aᵀ of F(4, 5): eight values become four.
INLINE void output_8(const lanes *m, ptrdiff_t step, lanes *y, ptrdiff_t output_step) {
    const lanes sum1 = m[step] + m[2 * step], difference1 = m[step] - m[2 * step];
    const lanes sum2 = m[3 * step] + m[4 * step], difference2 = m[3 * step] - m[4 * step];
    const lanes sumHalf = m[5 * step] + m[6 * step], differenceHalf = m[5 * step] - m[6 * step];
    y[0] = m[0] + sum1 + sum2 + sumHalf;
    y[output_step] = difference1 + 2 * difference2 + 0.5f * differenceHalf;
    y[2 * output_step] = sum1 + 4 * sum2 + 0.25f * sumHalf;
    y[3 * output_step] = difference1 + 8 * difference2 + 0.125f * differenceHalf + m[7 * step];
}

/// The first and the last but one place along an axis that lie within the plane.
typedef struct {
    ptrdiff_t first, end;
} span;

INLINE span inside(ptrdiff_t first, ptrdiff_t count, ptrdiff_t step, ptrdiff_t offset, ptrdiff_t extent) {
    // Place i stands for (first + i) * step + offset.
    const ptrdiff_t start = first * step + offset;
    span s = {start < 0 ? (-start + step - 1) / step : 0, start >= extent ? 0 : (extent - start + step - 1) / step};
    if (s.end > count) s.end = count;
    if (s.first > s.end) s.first = s.end;
    return s;
}

/// The rows under a block's tiles, with zeros where they reach over the edge.
INLINE void pad(const float *plane, const kernel_winograd_block *b, int extent, float *padded) {
    const ptrdiff_t rows = b->tile_row_count * M + extent - M, columns = b->tile_columns * M + extent - M;
    const ptrdiff_t first = b->first_tile_row * M;
    const span y_span = inside(first, rows, b->step, b->offset_y, b->height);
    const span x_span = inside(0, columns, b->step, b->offset_x, b->width);
    memset(padded, 0, (size_t)(rows * columns) * sizeof(float));
    for (ptrdiff_t y = y_span.first; y < y_span.end; y++) {
        const float *source = plane + ((first + y) * b->step + b->offset_y) * b->width + b->offset_x;
        float *target = padded + y * columns;
        if (b->step == 1) {
            memcpy(target + x_span.first, source + x_span.first, (size_t)(x_span.end - x_span.first) * sizeof(float));
        } else {
            for (ptrdiff_t x = x_span.first; x < x_span.end; x++) target[x] = source[x * b->step];
        }
    }
}

INLINE void transform_input(lanes *d, int extent, float *output, ptrdiff_t matrix_stride) {
    for (int i = 0; i < extent; i++) {
        if (extent == 6) input_6(d + i, 6); else input_8(d + i, 8);
    }
    for (int i = 0; i < extent; i++) {
        if (extent == 6) input_6(d + 6 * i, 1); else input_8(d + 8 * i, 1);
    }
    for (int k = 0; k < extent * extent; k++) memcpy(output + k * matrix_stride, d + k, sizeof(lanes));
}

INLINE void input_tiles(const float *plane, const kernel_winograd_block *b, int extent, float *padded, float *output,
                        ptrdiff_t group_stride, ptrdiff_t matrix_stride) {
    const ptrdiff_t columns = b->tile_columns * M + extent - M;
    float d[64 * LANES] __attribute__((aligned(64)));
    int lane = 0;
    for (ptrdiff_t image = 0; image < b->image_count; image++) {
        pad(plane + image * b->image_stride, b, extent, padded);
        for (ptrdiff_t row = 0; row < b->tile_row_count; row++) {
            for (ptrdiff_t column = 0; column < b->tile_columns; column++) {
                const float *tile = padded + row * M * columns + column * M;
                for (int i = 0; i < extent; i++) {
                    for (int j = 0; j < extent; j++) d[(i * extent + j) * LANES + lane] = tile[i * columns + j];
                }
                if (++lane == LANES) {
                    transform_input((lanes *)d, extent, output, matrix_stride);
                    output += group_stride;
                    lane = 0;
                }
            }
        }
    }
    if (lane == 0) return;
    for (int k = 0; k < extent * extent; k++) {
        for (int rest = lane; rest < LANES; rest++) d[k * LANES + rest] = 0;
    }
    transform_input((lanes *)d, extent, output, matrix_stride);
}

INLINE void kernel_winograd_input_body(const float *plane, const kernel_winograd_block *block, int extent, float *padded,
                           float *output, ptrdiff_t group_stride, ptrdiff_t matrix_stride) {
    if (extent == 6) {
        input_tiles(plane, block, 6, padded, output, group_stride, matrix_stride);
    } else {
        input_tiles(plane, block, 8, padded, output, group_stride, matrix_stride);
    }
}

KERNEL_VERSIONS(kernel_winograd_input,
                (const float *plane, const kernel_winograd_block *block, int extent, float *padded, float *output,
                 ptrdiff_t group_stride, ptrdiff_t matrix_stride),
                (plane, block, extent, padded, output, group_stride, matrix_stride))

/// Sixteen tiles back to 4×4 outputs each: `y[i * 4 + j]` of every lane.
INLINE void transform_output(const float *input, ptrdiff_t matrix_stride, int extent, float bias, bool relu, lanes *y) {
    lanes m[64], half[32];
    for (int k = 0; k < extent * extent; k++) memcpy(m + k, input + k * matrix_stride, sizeof(lanes));
    for (int j = 0; j < extent; j++) {
        if (extent == 6) output_6(m + j, 6, half + j, 6); else output_8(m + j, 8, half + j, 8);
    }
    for (int i = 0; i < M; i++) {
        if (extent == 6) output_6(half + 6 * i, 1, y + M * i, 1); else output_8(half + 8 * i, 1, y + M * i, 1);
    }
    for (int k = 0; k < M * M; k++) {
        const lanes value = y[k] + bias;
        // A comparison is a mask of all ones or none; a NaN compares false and stays.
        y[k] = relu ? (lanes)((__typeof__(value < 0))value & ~(value < 0)) : value;
    }
}

INLINE void output_tiles(const float *input, ptrdiff_t matrix_stride, const kernel_winograd_block *b, int extent,
                         float bias, bool relu, float *plane) {
    float y[M * M * LANES] __attribute__((aligned(64)));
    int lane = LANES;
    for (ptrdiff_t image = 0; image < b->image_count; image++, plane += b->image_stride) {
        for (ptrdiff_t row = 0; row < b->tile_row_count; row++) {
            const ptrdiff_t top = (b->first_tile_row + row) * M;
            const ptrdiff_t height = b->height - top < M ? b->height - top : M;
            for (ptrdiff_t column = 0; column < b->tile_columns; column++) {
                if (lane == LANES) {
                    transform_output(input, matrix_stride, extent, bias, relu, (lanes *)y);
                    input += LANES;
                    lane = 0;
                }
                const ptrdiff_t left = column * M;
                const ptrdiff_t width = b->width - left < M ? b->width - left : M;
                float *target = plane + top * b->width + left;
                for (ptrdiff_t i = 0; i < height; i++) {
                    for (ptrdiff_t j = 0; j < width; j++) target[i * b->width + j] = y[(i * M + j) * LANES + lane];
                }
                lane++;
            }
        }
    }
}

INLINE void kernel_winograd_output_body(const float *input, ptrdiff_t matrix_stride, const kernel_winograd_block *block, int extent,
                            float bias, bool relu, float *plane) {
    if (extent == 6) {
        output_tiles(input, matrix_stride, block, 6, bias, relu, plane);
    } else {
        output_tiles(input, matrix_stride, block, 8, bias, relu, plane);
    }
}

KERNEL_VERSIONS(kernel_winograd_output,
                (const float *input, ptrdiff_t matrix_stride, const kernel_winograd_block *block, int extent, float bias,
                 bool relu, float *plane),
                (input, matrix_stride, block, extent, bias, relu, plane))
