// Backward passes of the element-wise layers: ReLU, dropout and the bias.

#include "gradients.h"

#include "multiversion.h"

INLINE void kernel_relu_gradient_body(const float *output, float *gradient, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) gradient[i] = output[i] > 0 ? gradient[i] : 0;
}

KERNEL_VERSIONS(kernel_relu_gradient, (const float *output, float *gradient, ptrdiff_t count),
                (output, gradient, count))

/// A 32-bit integer hash with good avalanche: each input bit changes about half of the output bits (lowbias32).
/// Source: Wellons 2018, "Prospecting for hash functions".
INLINE uint32_t mix(uint32_t value) {
    value ^= value >> 16;
    value *= 0x7feb352dU;
    value ^= value >> 15;
    value *= 0x846ca68bU;
    value ^= value >> 16;
    return value;
}

INLINE void kernel_dropout_body(float *values, ptrdiff_t first, ptrdiff_t count, uint64_t seed, uint32_t threshold,
                                float scale) {
    const uint32_t low = (uint32_t)seed, high = (uint32_t)(seed >> 32);
    for (ptrdiff_t i = 0; i < count; i++) {
        const uint32_t noise = mix(mix((uint32_t)(first + i) ^ low) + high);
        values[i] = noise < threshold ? 0 : values[i] * scale;
    }
}

KERNEL_VERSIONS(kernel_dropout,
                (float *values, ptrdiff_t first, ptrdiff_t count, uint64_t seed, uint32_t threshold, float scale),
                (values, first, count, seed, threshold, scale))

INLINE void kernel_sum_rows_body(const float *rows, ptrdiff_t row_count, ptrdiff_t column_count, ptrdiff_t row_stride,
                                 float *sums) {
    for (ptrdiff_t row = 0; row < row_count; row++, rows += row_stride) {
        for (ptrdiff_t column = 0; column < column_count; column++) sums[column] += rows[column];
    }
}

KERNEL_VERSIONS(kernel_sum_rows,
                (const float *rows, ptrdiff_t row_count, ptrdiff_t column_count, ptrdiff_t row_stride, float *sums),
                (rows, row_count, column_count, row_stride, sums))

INLINE void kernel_add_body(const float *addends, float *values, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) values[i] += addends[i];
}

KERNEL_VERSIONS(kernel_add, (const float *addends, float *values, ptrdiff_t count), (addends, values, count))

INLINE void add_run(const float *addends, ptrdiff_t count, float *values) {
    for (ptrdiff_t i = 0; i < count; i++) values[i] += addends[i];
}

INLINE void kernel_row2im_body(const float *rows, ptrdiff_t channels, const kernel_window *w, ptrdiff_t first,
                               ptrdiff_t count, float *image) {
    for (ptrdiff_t position = first; position < first + count; position++) {
        const ptrdiff_t top = position / w->output_width * w->stride_height - w->padding_height;
        const ptrdiff_t left = position % w->output_width * w->stride_width - w->padding_width;
        for (ptrdiff_t y = top; y < top + w->kernel_height; y++) {
            for (ptrdiff_t x = left; x < left + w->kernel_width; x++, rows += channels) {
                if (y < 0 || y >= w->height || x < 0 || x >= w->width) continue;
                add_run(rows, channels, image + (y * w->width + x) * w->pixel_stride);
            }
        }
    }
}

KERNEL_VERSIONS(kernel_row2im,
                (const float *rows, ptrdiff_t channels, const kernel_window *window, ptrdiff_t first, ptrdiff_t count,
                 float *image),
                (rows, channels, window, first, count, image))
