// Max pooling with saved argmax, and the backward passes of max and adaptive average pooling.

#include <math.h>
#include <string.h>

#include "gradients.h"
#include "multiversion.h"

enum { LANES = 16 };

/// Sixteen channels of one pixel.
typedef float lanes __attribute__((vector_size(LANES * sizeof(float)), aligned(4)));
typedef int32_t integers __attribute__((vector_size(LANES * sizeof(int32_t))));
typedef uint8_t bytes __attribute__((vector_size(LANES), aligned(1)));

/// The upper left corner of a window in image coordinates; negative within the padding. Units: pixels.
typedef struct {
    ptrdiff_t top, left;
} corner;

INLINE corner corner_of(const kernel_window *w, ptrdiff_t y, ptrdiff_t x) {
    return (corner){y * w->stride_height - w->padding_height, x * w->stride_width - w->padding_width};
}

INLINE bool is_outside(ptrdiff_t index, ptrdiff_t extent) { return index < 0 || index >= extent; }

INLINE void choose(const float *image, const kernel_window *w, corner c, ptrdiff_t channels, float *output,
                   uint8_t *choices) {
    ptrdiff_t channel = 0;
    for (; channel + LANES <= channels; channel += LANES) {
        lanes largest = (lanes){0} - INFINITY;
        integers chosen = {0};
        for (int32_t ky = 0; ky < w->kernel_height; ky++) {
            if (is_outside(c.top + ky, w->height)) continue;
            for (int32_t kx = 0; kx < w->kernel_width; kx++) {
                if (is_outside(c.left + kx, w->width)) continue;
                lanes value;
                memcpy(&value, image + ((c.top + ky) * w->width + c.left + kx) * channels + channel, sizeof(lanes));
                const integers wins = (value > largest) | (value != value);
                const integers place = (integers){0} + (int32_t)(ky * w->kernel_width + kx);
                largest = (lanes)((wins & (integers)value) | (~wins & (integers)largest));
                chosen = (wins & place) | (~wins & chosen);
            }
        }
        memcpy(output + channel, &largest, sizeof(lanes));
        const bytes narrow = __builtin_convertvector(chosen, bytes);
        memcpy(choices + channel, &narrow, sizeof(bytes));
    }
    for (; channel < channels; channel++) {
        float largest = -INFINITY;
        ptrdiff_t chosen = 0;
        for (ptrdiff_t ky = 0; ky < w->kernel_height; ky++) {
            for (ptrdiff_t kx = 0; kx < w->kernel_width; kx++) {
                if (is_outside(c.top + ky, w->height) || is_outside(c.left + kx, w->width)) continue;
                const float value = image[((c.top + ky) * w->width + c.left + kx) * channels + channel];
                if (value > largest || value != value) {
                    largest = value;
                    chosen = ky * w->kernel_width + kx;
                }
            }
        }
        output[channel] = largest;
        choices[channel] = (uint8_t)chosen;
    }
}

INLINE void kernel_max_pool_choose_body(const float *image, const kernel_window *w, ptrdiff_t channels,
                                        ptrdiff_t output_height, float *output, uint8_t *choices) {
    for (ptrdiff_t y = 0; y < output_height; y++) {
        for (ptrdiff_t x = 0; x < w->output_width; x++, output += channels, choices += channels) {
            choose(image, w, corner_of(w, y, x), channels, output, choices);
        }
    }
}

KERNEL_VERSIONS(kernel_max_pool_choose,
                (const float *image, const kernel_window *window, ptrdiff_t channels, ptrdiff_t output_height,
                 float *output, uint8_t *choices),
                (image, window, channels, output_height, output, choices))

INLINE void hand_back(const float *gradient, const uint8_t *choices, const float *relu_output, const kernel_window *w,
                      corner c, ptrdiff_t channels, float *image) {
    ptrdiff_t channel = 0;
    for (; channel + LANES <= channels; channel += LANES) {
        lanes values;
        bytes narrow;
        memcpy(&values, gradient + channel, sizeof(lanes));
        memcpy(&narrow, choices + channel, sizeof(bytes));
        if (relu_output) {
            lanes outputs;
            memcpy(&outputs, relu_output + channel, sizeof(lanes));
            values = (lanes)((integers)values & (outputs > 0));
        }
        const integers chosen = __builtin_convertvector(narrow, integers);
        for (int32_t ky = 0; ky < w->kernel_height; ky++) {
            if (is_outside(c.top + ky, w->height)) continue;
            for (int32_t kx = 0; kx < w->kernel_width; kx++) {
                if (is_outside(c.left + kx, w->width)) continue;
                float *target = image + ((c.top + ky) * w->width + c.left + kx) * channels + channel;
                const integers place = (integers){0} + (int32_t)(ky * w->kernel_width + kx);
                lanes sum;
                memcpy(&sum, target, sizeof(lanes));
                sum += (lanes)((integers)values & (chosen == place));
                memcpy(target, &sum, sizeof(lanes));
            }
        }
    }
    for (; channel < channels; channel++) {
        if (relu_output && !(relu_output[channel] > 0)) continue;
        const ptrdiff_t y = c.top + choices[channel] / w->kernel_width, x = c.left + choices[channel] % w->kernel_width;
        image[(y * w->width + x) * channels + channel] += gradient[channel];
    }
}

INLINE void kernel_max_pool_gradient_body(const float *gradient, const uint8_t *choices, const float *relu_output,
                                          const kernel_window *w, ptrdiff_t channels, ptrdiff_t output_height,
                                          float *image) {
    memset(image, 0, (size_t)(w->height * w->width * channels) * sizeof(float));
    for (ptrdiff_t y = 0; y < output_height; y++) {
        for (ptrdiff_t x = 0; x < w->output_width; x++, gradient += channels, choices += channels) {
            hand_back(gradient, choices, relu_output, w, corner_of(w, y, x), channels, image);
            if (relu_output) relu_output += channels;
        }
    }
}

KERNEL_VERSIONS(kernel_max_pool_gradient,
                (const float *output_gradient, const uint8_t *choices, const float *relu_output,
                 const kernel_window *window, ptrdiff_t channels, ptrdiff_t output_height, float *input_gradient),
                (output_gradient, choices, relu_output, window, channels, output_height, input_gradient))

INLINE void kernel_adaptive_average_pool_gradient_body(const float *gradient, ptrdiff_t height, ptrdiff_t width,
                                                       ptrdiff_t channels, ptrdiff_t output_height,
                                                       ptrdiff_t output_width, float *image) {
    memset(image, 0, (size_t)(height * width * channels) * sizeof(float));
    for (ptrdiff_t y = 0; y < output_height; y++) {
        const ptrdiff_t top = y * height / output_height;
        const ptrdiff_t bottom = ((y + 1) * height + output_height - 1) / output_height;
        for (ptrdiff_t x = 0; x < output_width; x++, gradient += channels) {
            const ptrdiff_t left = x * width / output_width;
            const ptrdiff_t right = ((x + 1) * width + output_width - 1) / output_width;
            const float share = 1 / (float)((bottom - top) * (right - left));
            for (ptrdiff_t i = top; i < bottom; i++) {
                for (ptrdiff_t j = left; j < right; j++) {
                    float *pixel = image + (i * width + j) * channels;
                    for (ptrdiff_t channel = 0; channel < channels; channel++) {
                        pixel[channel] += share * gradient[channel];
                    }
                }
            }
        }
    }
}

KERNEL_VERSIONS(kernel_adaptive_average_pool_gradient,
                (const float *output_gradient, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels,
                 ptrdiff_t output_height, ptrdiff_t output_width, float *input_gradient),
                (output_gradient, height, width, channels, output_height, output_width, input_gradient))
