#include "pooling.h"

#include <math.h>
#include <stdbool.h>

#include "multiversion.h"

INLINE ptrdiff_t clamp(ptrdiff_t value, ptrdiff_t limit) {
    return value < 0 ? 0 : value > limit ? limit : value;
}

/// The larger of two; a NaN wins, as in PyTorch.
INLINE float larger(float a, float b) {
    return b > a || b != b ? b : a;
}

/// Windows that lie whole within the row, each of three columns and two apart: the pools of AlexNet, GoogLeNet, ResNet.
INLINE void pool_columns_3_2(const float *row, ptrdiff_t count, float *output) {
    for (ptrdiff_t x = 0; x < count; x++) output[x] = larger(larger(row[2 * x], row[2 * x + 1]), row[2 * x + 2]);
}

INLINE void pool_columns(const float *row, const kernel_window *w, float *output) {
    for (ptrdiff_t x = 0; x < w->output_width; x++) {
        const ptrdiff_t left = clamp(x * w->stride_width - w->padding_width, w->width);
        const ptrdiff_t right = clamp(x * w->stride_width - w->padding_width + w->kernel_width, w->width);
        float largest = -INFINITY;
        for (ptrdiff_t j = left; j < right; j++) largest = larger(largest, row[j]);
        output[x] = largest;
    }
}

INLINE void kernel_max_pool_body(const float *plane, const kernel_window *w, ptrdiff_t output_height, float *row, float *output) {
    const bool is_usual = w->kernel_width == 3 && w->stride_width == 2 && w->padding_width == 0
        && 2 * w->output_width + 1 <= w->width;
    for (ptrdiff_t y = 0; y < output_height; y++, output += w->output_width) {
        const ptrdiff_t top = clamp(y * w->stride_height - w->padding_height, w->height);
        const ptrdiff_t bottom = clamp(y * w->stride_height - w->padding_height + w->kernel_height, w->height);
        // First the largest of each column, whole vectors at a time; then of neighbouring columns.
        for (ptrdiff_t x = 0; x < w->width; x++) row[x] = -INFINITY;
        for (ptrdiff_t i = top; i < bottom; i++) {
            const float *source = plane + i * w->width;
            for (ptrdiff_t x = 0; x < w->width; x++) row[x] = larger(row[x], source[x]);
        }
        if (is_usual) pool_columns_3_2(row, w->output_width, output);
        else pool_columns(row, w, output);
    }
}

KERNEL_VERSIONS(kernel_max_pool,
                (const float *plane, const kernel_window *w, ptrdiff_t output_height, float *row, float *output),
                (plane, w, output_height, row, output))

void kernel_adaptive_average_pool(const float *plane, ptrdiff_t height, ptrdiff_t width, ptrdiff_t output_height,
                                  ptrdiff_t output_width, float *output) {
    for (ptrdiff_t y = 0; y < output_height; y++) {
        const ptrdiff_t top = y * height / output_height;
        const ptrdiff_t bottom = ((y + 1) * height + output_height - 1) / output_height;
        for (ptrdiff_t x = 0; x < output_width; x++) {
            const ptrdiff_t left = x * width / output_width;
            const ptrdiff_t right = ((x + 1) * width + output_width - 1) / output_width;
            float sum = 0;
            for (ptrdiff_t i = top; i < bottom; i++) {
                for (ptrdiff_t j = left; j < right; j++) sum += plane[i * width + j];
            }
            *output++ = sum / (float)((bottom - top) * (right - left));
        }
    }
}
