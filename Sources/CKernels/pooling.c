// Max, average and adaptive average pooling of one channels-last image, forward pass.

#include "pooling.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "multiversion.h"

enum { LANES = 16, BYTES = 64 };

/// Sixteen channels of one pixel.
typedef float lanes __attribute__((vector_size(LANES * sizeof(float)), aligned(4)));
typedef int32_t masks __attribute__((vector_size(LANES * sizeof(int32_t))));

/// One byte of each of 64 channels.
typedef uint8_t byte_lanes __attribute__((vector_size(BYTES), aligned(1)));

/// The part of a window within the image. Units: pixels.
typedef struct {
    ptrdiff_t top, bottom, left, right;
} region;

INLINE ptrdiff_t clamp(ptrdiff_t value, ptrdiff_t limit) {
    return value < 0 ? 0 : value > limit ? limit : value;
}

/// Clips the window at `top`, `left` to the image.
INLINE region seen(const kernel_window *w, ptrdiff_t top, ptrdiff_t left) {
    return (region){
        clamp(top, w->height), clamp(top + w->kernel_height, w->height),
        clamp(left, w->width), clamp(left + w->kernel_width, w->width),
    };
}

/// The maximum of two values; NaN propagates, as in PyTorch.
INLINE float larger(float a, float b) {
    return b > a || b != b ? b : a;
}

INLINE void pool_region(const float *image, ptrdiff_t width, ptrdiff_t channels, const region *r, float *output) {
    ptrdiff_t channel = 0;
    for (; channel + LANES <= channels; channel += LANES) {
        lanes largest = (lanes){0} - INFINITY;
        for (ptrdiff_t y = r->top; y < r->bottom; y++) {
            for (ptrdiff_t x = r->left; x < r->right; x++) {
                lanes value;
                memcpy(&value, image + (y * width + x) * channels + channel, sizeof(lanes));
                const masks wins = (value > largest) | (value != value);
                largest = (lanes)((wins & (masks)value) | (~wins & (masks)largest));
            }
        }
        memcpy(output + channel, &largest, sizeof(lanes));
    }
    for (; channel < channels; channel++) {
        float largest = -INFINITY;
        for (ptrdiff_t y = r->top; y < r->bottom; y++) {
            for (ptrdiff_t x = r->left; x < r->right; x++) {
                largest = larger(largest, image[(y * width + x) * channels + channel]);
            }
        }
        output[channel] = largest;
    }
}

INLINE void kernel_max_pool_body(const float *image, const kernel_window *w, ptrdiff_t channels,
                                 ptrdiff_t output_height, float *output) {
    for (ptrdiff_t y = 0; y < output_height; y++) {
        for (ptrdiff_t x = 0; x < w->output_width; x++, output += channels) {
            const ptrdiff_t top = y * w->stride_height - w->padding_height;
            const ptrdiff_t left = x * w->stride_width - w->padding_width;
            const region r = seen(w, top, left);
            pool_region(image, w->width, channels, &r, output);
        }
    }
}

KERNEL_VERSIONS(kernel_max_pool,
                (const float *image, const kernel_window *window, ptrdiff_t channels, ptrdiff_t output_height,
                 float *output),
                (image, window, channels, output_height, output))

INLINE void pool_bytes(const uint8_t *image, ptrdiff_t width, ptrdiff_t channels, const region *r, uint8_t *output) {
    ptrdiff_t channel = 0;
    for (; channel + BYTES <= channels; channel += BYTES) {
        byte_lanes largest = {0};
        for (ptrdiff_t y = r->top; y < r->bottom; y++) {
            for (ptrdiff_t x = r->left; x < r->right; x++) {
                byte_lanes value;
                memcpy(&value, image + (y * width + x) * channels + channel, sizeof value);
                largest = __builtin_elementwise_max(largest, value);
            }
        }
        memcpy(output + channel, &largest, sizeof largest);
    }
    for (; channel < channels; channel++) {
        uint8_t largest = 0;
        for (ptrdiff_t y = r->top; y < r->bottom; y++) {
            for (ptrdiff_t x = r->left; x < r->right; x++) {
                const uint8_t value = image[(y * width + x) * channels + channel];
                largest = value > largest ? value : largest;
            }
        }
        output[channel] = largest;
    }
}

INLINE void kernel_max_pool_bytes_body(const uint8_t *image, const kernel_window *w, ptrdiff_t channels,
                                       ptrdiff_t output_height, uint8_t *output) {
    for (ptrdiff_t y = 0; y < output_height; y++) {
        for (ptrdiff_t x = 0; x < w->output_width; x++, output += channels) {
            const region r =
                seen(w, y * w->stride_height - w->padding_height, x * w->stride_width - w->padding_width);
            pool_bytes(image, w->width, channels, &r, output);
        }
    }
}

KERNEL_VERSIONS(kernel_max_pool_bytes,
                (const uint8_t *image, const kernel_window *window, ptrdiff_t channels, ptrdiff_t output_height,
                 uint8_t *output),
                (image, window, channels, output_height, output))

INLINE ptrdiff_t smaller(ptrdiff_t a, ptrdiff_t b) {
    return a < b ? a : b;
}

INLINE void kernel_average_pool_body(const float *image, const kernel_window *w, ptrdiff_t channels,
                                     ptrdiff_t output_height, bool counts_padding, float *output) {
    for (ptrdiff_t y = 0; y < output_height; y++) {
        for (ptrdiff_t x = 0; x < w->output_width; x++, output += channels) {
            const ptrdiff_t top = y * w->stride_height - w->padding_height;
            const ptrdiff_t left = x * w->stride_width - w->padding_width;
            const region r = seen(w, top, left);
            const ptrdiff_t padded = (smaller(top + w->kernel_height, w->height + w->padding_height) - top)
                * (smaller(left + w->kernel_width, w->width + w->padding_width) - left);
            const float count = (float)(counts_padding ? padded : (r.bottom - r.top) * (r.right - r.left));
            memset(output, 0, (size_t)channels * sizeof(float));
            for (ptrdiff_t i = r.top; i < r.bottom; i++) {
                for (ptrdiff_t j = r.left; j < r.right; j++) {
                    const float *pixel = image + (i * w->width + j) * channels;
                    for (ptrdiff_t channel = 0; channel < channels; channel++) output[channel] += pixel[channel];
                }
            }
            for (ptrdiff_t channel = 0; channel < channels; channel++) output[channel] /= count;
        }
    }
}

KERNEL_VERSIONS(kernel_average_pool,
                (const float *image, const kernel_window *window, ptrdiff_t channels, ptrdiff_t output_height,
                 bool counts_padding, float *output),
                (image, window, channels, output_height, counts_padding, output))

INLINE void kernel_adaptive_average_pool_body(const float *image, ptrdiff_t height, ptrdiff_t width,
                                              ptrdiff_t channels, ptrdiff_t output_height, ptrdiff_t output_width,
                                              float *output) {
    for (ptrdiff_t y = 0; y < output_height; y++) {
        const ptrdiff_t top = y * height / output_height;
        const ptrdiff_t bottom = ((y + 1) * height + output_height - 1) / output_height;
        for (ptrdiff_t x = 0; x < output_width; x++, output += channels) {
            const ptrdiff_t left = x * width / output_width;
            const ptrdiff_t right = ((x + 1) * width + output_width - 1) / output_width;
            memset(output, 0, (size_t)channels * sizeof(float));
            for (ptrdiff_t i = top; i < bottom; i++) {
                for (ptrdiff_t j = left; j < right; j++) {
                    const float *pixel = image + (i * width + j) * channels;
                    for (ptrdiff_t channel = 0; channel < channels; channel++) output[channel] += pixel[channel];
                }
            }
            const float count = (float)((bottom - top) * (right - left));
            for (ptrdiff_t channel = 0; channel < channels; channel++) output[channel] /= count;
        }
    }
}

KERNEL_VERSIONS(kernel_adaptive_average_pool,
                (const float *image, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels, ptrdiff_t output_height,
                 ptrdiff_t output_width, float *output),
                (image, height, width, channels, output_height, output_width, output))
