// Quantization to bytes: inputs, unfolded inputs (im2row), and weights packed for the products.

#include <string.h>

#include "byte_products.h"
#include "byte_rescaling.h"
#include "multiversion.h"

enum { GROUP = KERNEL_BYTE_GROUP };

INLINE void kernel_quantize_bytes_body(const float *values, ptrdiff_t count, float inverse_scale, uint8_t zero_point,
                                       uint8_t *bytes) {
    const ptrdiff_t whole = count / COLUMNS * COLUMNS;
    for (ptrdiff_t i = 0; i < count; i += COLUMNS) {
        float_lanes lanes = {0};
        const size_t width = i < whole ? COLUMNS : (size_t)(count - whole);
        memcpy(&lanes, values + i, width * sizeof(float));
        const byte_lanes result = quantized(&lanes, -(float)zero_point, inverse_scale, zero_point);
        memcpy(bytes + i, &result, width);
    }
}

KERNEL_VERSIONS(kernel_quantize_bytes,
                (const float *values, ptrdiff_t count, float inverse_scale, uint8_t zero_point, uint8_t *bytes),
                (values, count, inverse_scale, zero_point, bytes))

void kernel_quantize_byte_rows(const float *values, ptrdiff_t row_count, ptrdiff_t columns, float inverse_scale,
                               uint8_t zero_point, uint8_t *bytes, ptrdiff_t row_stride) {
    for (ptrdiff_t row = 0; row < row_count; row++, values += columns, bytes += row_stride) {
        kernel_quantize_bytes(values, columns, inverse_scale, zero_point, bytes);
        memset(bytes + columns, 0, (size_t)(row_stride - columns));
    }
}

/// Copies a run. A short one is copied as a whole cache line, whose rest is overwritten by the next run.
INLINE void copy_run(const uint8_t *source, ptrdiff_t count, uint8_t *target) {
    if (count <= KERNEL_BYTE_SLACK) memcpy(target, source, KERNEL_BYTE_SLACK);
    else memcpy(target, source, (size_t)count);
}

void kernel_im2row_bytes(const uint8_t *image, ptrdiff_t channels, const kernel_window *w, ptrdiff_t first,
                         ptrdiff_t count, uint8_t zero_point, uint8_t *rows, ptrdiff_t row_stride) {
    const ptrdiff_t run = w->kernel_width * channels;
    for (ptrdiff_t position = first; position < first + count; position++, rows += row_stride) {
        const ptrdiff_t top = position / w->output_width * w->stride_height - w->padding_height;
        const ptrdiff_t left = position % w->output_width * w->stride_width - w->padding_width;
        const bool is_inside = left >= 0 && left + w->kernel_width <= w->width && w->pixel_stride == channels;
        uint8_t *row = rows;
        for (ptrdiff_t y = top; y < top + w->kernel_height; y++, row += run) {
            if (y < 0 || y >= w->height) {
                memset(row, zero_point, (size_t)run);
                continue;
            }
            const uint8_t *source = image + y * w->width * w->pixel_stride;
            if (is_inside) {
                copy_run(source + left * channels, run, row);
                continue;
            }
            for (ptrdiff_t i = 0; i < w->kernel_width; i++) {
                const ptrdiff_t x = left + i;
                if (x >= 0 && x < w->width) {
                    memcpy(row + i * channels, source + x * w->pixel_stride, (size_t)channels);
                } else {
                    memset(row + i * channels, zero_point, (size_t)channels);
                }
            }
        }
        memset(row, 0, (size_t)(row_stride - (row - rows)));
    }
}

void kernel_pack_bytes(const float *rows, ptrdiff_t row_count, ptrdiff_t depth, int8_t *panels, float *scales,
                       int32_t *sums) {
    const ptrdiff_t padded_rows = (row_count + COLUMNS - 1) / COLUMNS * COLUMNS;
    const ptrdiff_t padded_depth = kernel_byte_panel_depth(depth);
    memset(panels, 0, (size_t)(padded_rows * padded_depth));
    for (ptrdiff_t row = 0; row < padded_rows; row++) {
        scales[row] = 0;
        sums[row] = 0;
        if (row >= row_count) continue;
        const float *values = rows + row * depth;
        float largest = 0;
        for (ptrdiff_t k = 0; k < depth; k++) {
            const float magnitude = values[k] < 0 ? -values[k] : values[k];
            largest = magnitude > largest ? magnitude : largest;
        }
        const float scale = largest / 127;
        if (scale == 0) continue;
        scales[row] = scale;
        int8_t *target = panels + row / COLUMNS * COLUMNS * padded_depth + row % COLUMNS * GROUP;
        for (ptrdiff_t k = 0; k < depth; k++) {
            const int32_t number = (int32_t)__builtin_lrintf(values[k] / scale);
            // A tiny scale loses bits, so that the quotient may exceed 127.
            const int32_t clamped = number > 127 ? 127 : number < -127 ? -127 : number;
            target[k / GROUP * COLUMNS * GROUP + k % GROUP] = (int8_t)clamped;
            sums[row] += clamped;
        }
    }
}
