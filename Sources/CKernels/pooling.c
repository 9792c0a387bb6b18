#include "pooling.h"

#include <math.h>

static ptrdiff_t clamp(ptrdiff_t value, ptrdiff_t limit) {
    return value < 0 ? 0 : value > limit ? limit : value;
}

void kernel_max_pool(const float *plane, const kernel_window *w, ptrdiff_t output_height, float *output) {
    for (ptrdiff_t y = 0; y < output_height; y++) {
        const ptrdiff_t top = clamp(y * w->stride_height - w->padding_height, w->height);
        const ptrdiff_t bottom = clamp(y * w->stride_height - w->padding_height + w->kernel_height, w->height);
        for (ptrdiff_t x = 0; x < w->output_width; x++) {
            const ptrdiff_t left = clamp(x * w->stride_width - w->padding_width, w->width);
            const ptrdiff_t right = clamp(x * w->stride_width - w->padding_width + w->kernel_width, w->width);
            float largest = -INFINITY;
            for (ptrdiff_t i = top; i < bottom; i++) {
                for (ptrdiff_t j = left; j < right; j++) {
                    const float value = plane[i * w->width + j];
                    // The second comparison keeps a NaN, as PyTorch does.
                    if (value > largest || value != value) largest = value;
                }
            }
            *output++ = largest;
        }
    }
}

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
