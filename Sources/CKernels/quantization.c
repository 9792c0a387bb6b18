// Quantization to bytes: inputs, unfolded inputs (im2row), and weights packed for the products.

#include <string.h>

#include "byte_products.h"
#include "byte_rescaling.h"
#include "multiversion.h"

enum { GROUP = KERNEL_BYTE_GROUP };

INLINE void kernel_quantize_bytes_body(const float *values, ptrdiff_t count, float inverse_scale, uint8_t zero_point,
                                       uint8_t *bytes) {
    const ptrdiff_t whole = count / COLUMNS * COLUMNS;
    float_lanes lanes = {0};
    for (ptrdiff_t i = 0; i < whole; i += COLUMNS) {
        memcpy(&lanes, values + i, sizeof lanes);
        const byte_lanes result = quantized(&lanes, -(float)zero_point, inverse_scale, zero_point);
        memcpy(bytes + i, &result, sizeof result);
    }
    memcpy(&lanes, values + whole, (size_t)(count - whole) * sizeof(float));
    const byte_lanes result = quantized(&lanes, -(float)zero_point, inverse_scale, zero_point);
    memcpy(bytes + whole, &result, (size_t)(count - whole));
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

enum { LINE = KERNEL_BYTE_SLACK };

/// Copies a run in pieces of a cache line or a half. What is written after its end is overwritten by the next run.
INLINE void copy_run(const uint8_t *source, ptrdiff_t count, uint8_t *target) {
    if (count <= LINE / 2) {
        memcpy(target, source, LINE / 2);
        return;
    }
    for (ptrdiff_t i = 0; i < count; i += LINE) memcpy(target + i, source + i, LINE);
}

/// Unfolds a window that reaches beyond the image, or whose pixels are not contiguous.
INLINE void unfold_edge(const uint8_t *image, ptrdiff_t channels, const kernel_window *w, ptrdiff_t top, ptrdiff_t left,
                        uint8_t zero_point, uint8_t *row) {
    const ptrdiff_t first = left < 0 ? (-left < w->kernel_width ? -left : w->kernel_width) : 0;
    const ptrdiff_t space = w->width - left, end = space < w->kernel_width ? (space < first ? first : space) : w->kernel_width;
    for (ptrdiff_t y = top; y < top + w->kernel_height; y++, row += w->kernel_width * channels) {
        if (y < 0 || y >= w->height) {
            memset(row, zero_point, (size_t)(w->kernel_width * channels));
            continue;
        }
        const uint8_t *source = image + (y * w->width + left) * w->pixel_stride;
        if (first == 0 && end == w->kernel_width && w->pixel_stride == channels) {
            copy_run(source, w->kernel_width * channels, row);
            continue;
        }
        memset(row, zero_point, (size_t)(first * channels));
        if (w->pixel_stride == channels) {
            memcpy(row + first * channels, source + first * channels, (size_t)((end - first) * channels));
        } else {
            for (ptrdiff_t x = first; x < end; x++) {
                memcpy(row + x * channels, source + x * w->pixel_stride, (size_t)channels);
            }
        }
        memset(row + end * channels, zero_point, (size_t)((w->kernel_width - end) * channels));
    }
}

INLINE void kernel_im2row_bytes_body(const uint8_t *image, ptrdiff_t channels, const kernel_window *w, ptrdiff_t first,
                                     ptrdiff_t count, uint8_t zero_point, uint8_t *rows, ptrdiff_t row_stride) {
    const ptrdiff_t run = w->kernel_width * channels, image_row = w->width * w->pixel_stride;
    ptrdiff_t top = first / w->output_width * w->stride_height - w->padding_height;
    ptrdiff_t column = first % w->output_width;
    for (ptrdiff_t position = 0; position < count; position++, rows += row_stride) {
        const ptrdiff_t left = column * w->stride_width - w->padding_width;
        if (top >= 0 && top + w->kernel_height <= w->height && left >= 0 && left + w->kernel_width <= w->width &&
            w->pixel_stride == channels) {
            const uint8_t *source = image + top * image_row + left * channels;
            for (ptrdiff_t y = 0; y < w->kernel_height; y++) copy_run(source + y * image_row, run, rows + y * run);
        } else {
            unfold_edge(image, channels, w, top, left, zero_point, rows);
        }
        // What this writes after the row is overwritten by the next row.
        memset(rows + w->kernel_height * run, 0, LINE);
        if (++column == w->output_width) {
            column = 0;
            top += w->stride_height;
        }
    }
}

KERNEL_VERSIONS(kernel_im2row_bytes,
                (const uint8_t *image, ptrdiff_t channels, const kernel_window *w, ptrdiff_t first, ptrdiff_t count,
                 uint8_t zero_point, uint8_t *rows, ptrdiff_t row_stride),
                (image, channels, w, first, count, zero_point, rows, row_stride))

/// Up to sixteen values of a row; zeros after its end.
INLINE void load_values(const float *values, ptrdiff_t count, float_lanes *lanes) {
    *lanes = (float_lanes){0};
    if (count >= COLUMNS) memcpy(lanes, values, sizeof *lanes);
    else memcpy(lanes, values, (size_t)count * sizeof(float));
}

INLINE float largest_magnitude(const float *values, ptrdiff_t count) {
    masks largest = {0};
    for (ptrdiff_t k = 0; k < count; k += COLUMNS) {
        // Without their signs, finite floats are in the order of their bits.
        float_lanes lanes;
        load_values(values + k, count - k, &lanes);
        const masks magnitudes = (masks)lanes & 0x7FFFFFFF, is_larger = magnitudes > largest;
        largest = (magnitudes & is_larger) | (largest & ~is_larger);
    }
    int32_t bits = 0;
    for (int lane = 0; lane < COLUMNS; lane++) bits = largest[lane] > bits ? largest[lane] : bits;
    float magnitude;
    memcpy(&magnitude, &bits, sizeof magnitude);
    return magnitude;
}

INLINE void kernel_pack_bytes_body(const float *rows, ptrdiff_t row_count, ptrdiff_t depth, int8_t *panels,
                                   float *scales, int32_t *totals) {
    const ptrdiff_t padded_rows = (row_count + COLUMNS - 1) / COLUMNS * COLUMNS;
    const ptrdiff_t padded_depth = kernel_byte_panel_depth(depth);
    memset(panels, 0, (size_t)(padded_rows * padded_depth));
    for (ptrdiff_t row = 0; row < padded_rows; row++) {
        scales[row] = 0;
        totals[row] = 0;
        if (row >= row_count) continue;
        const float *values = rows + row * depth;
        const float scale = largest_magnitude(values, depth) / 127;
        if (scale == 0) continue;
        scales[row] = scale;
        int8_t *target = panels + row / COLUMNS * COLUMNS * padded_depth + row % COLUMNS * GROUP;
        sums total = {0};
        for (ptrdiff_t k = 0; k < depth; k += COLUMNS, target += COLUMNS * COLUMNS) {
            float_lanes lanes;
            load_values(values + k, depth - k, &lanes);
            // Rounds to nearest, ties to even, as in quantized().
            sums numbers = (sums)(lanes / scale + 0x1.8p23f) - (sums)((float_lanes){0} + 0x1.8p23f);
            // A tiny scale loses bits, so that the quotient may exceed 127.
            const sums is_high = numbers > 127, is_low = numbers < -127;
            numbers = (numbers & ~(is_high | is_low)) | (127 & is_high) | (-127 & is_low);
            total += numbers;
            const byte_lanes bytes = __builtin_convertvector(numbers, byte_lanes);
            UNROLL
            for (int group = 0; group < COLUMNS / GROUP; group++) {
                memcpy(target + group * COLUMNS * GROUP, (const char *)&bytes + group * GROUP, GROUP);
            }
        }
        for (int lane = 0; lane < COLUMNS; lane++) totals[row] += total[lane];
    }
}

KERNEL_VERSIONS(kernel_pack_bytes,
                (const float *rows, ptrdiff_t row_count, ptrdiff_t depth, int8_t *panels, float *scales, int32_t *totals),
                (rows, row_count, depth, panels, scales, totals))
