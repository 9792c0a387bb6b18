#include "resize.h"

#include <string.h>

#include "multiversion.h"

enum { fraction_bits = 22 };

typedef int32_t int32x4 __attribute__((vector_size(16)));
typedef uint8_t uint8x4 __attribute__((vector_size(4)));

INLINE uint8_t clip(int32_t sum) {
    int32_t value = sum >> fraction_bits;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

INLINE void resize_row_body(
    const uint8_t *input, int32_t channels, const int32_t *starts, const int32_t *counts, const int32_t *weights,
    size_t stride, uint8_t *output, size_t output_count) {
    for (size_t x = 0; x < output_count; x++) {
        const int32_t *weight = weights + x * stride;
        const uint8_t *pixel = input + (size_t)starts[x] * (size_t)channels;
        int32_t count = counts[x];
        if (channels == 1) {
            uint32_t sum = RESIZE_HALF;
            for (int32_t i = 0; i < count; i++) { sum += (uint32_t)(weight[i] * (int32_t)pixel[i]); }
            output[x] = clip((int32_t)sum);
            continue;
        }
        // Four bytes are taken where three are wanted; the last pixel has none after it for certain.
        int32x4 sum = {RESIZE_HALF, RESIZE_HALF, RESIZE_HALF, 0}, other = {0, 0, 0, 0};
        int32_t i = 0;
        for (; i + 2 < count; i += 2) {
            uint8x4 first, second;
            memcpy(&first, pixel + 3 * (size_t)i, 4);
            memcpy(&second, pixel + 3 * (size_t)i + 3, 4);
            sum += __builtin_convertvector(first, int32x4) * weight[i];
            other += __builtin_convertvector(second, int32x4) * weight[i + 1];
        }
        for (; i < count; i++) {
            const uint8_t *last = pixel + 3 * (size_t)i;
            int32x4 value = {last[0], last[1], last[2], 0};
            sum += value * weight[i];
        }
        sum += other;
        output[3 * x] = clip(sum[0]);
        output[3 * x + 1] = clip(sum[1]);
        output[3 * x + 2] = clip(sum[2]);
    }
}

KERNEL_VERSIONS(resize_row,
                (const uint8_t *input, int32_t channels, const int32_t *starts, const int32_t *counts,
                 const int32_t *weights, size_t stride, uint8_t *output, size_t output_count),
                (input, channels, starts, counts, weights, stride, output, output_count))

INLINE void resize_accumulate_body(int32_t *restrict sums, const uint8_t *restrict row, int32_t weight, size_t count) {
    for (size_t i = 0; i < count; i++) { sums[i] = (int32_t)((uint32_t)sums[i] + (uint32_t)(weight * (int32_t)row[i])); }
}

KERNEL_VERSIONS(resize_accumulate,
                (int32_t *sums, const uint8_t *row, int32_t weight, size_t count),
                (sums, row, weight, count))

INLINE void resize_finish_body(int32_t *restrict sums, uint8_t *restrict row, size_t count) {
    for (size_t i = 0; i < count; i++) {
        row[i] = clip(sums[i]);
        sums[i] = RESIZE_HALF;
    }
}

KERNEL_VERSIONS(resize_finish,
                (int32_t *sums, uint8_t *row, size_t count),
                (sums, row, count))

INLINE void resize_grey_row_body(const uint8_t *restrict pixels, uint8_t *restrict greys, size_t count) {
    for (size_t i = 0; i < count; i++) {
        greys[i] = (uint8_t)((19595u * pixels[3 * i] + 38470u * pixels[3 * i + 1] + 7471u * pixels[3 * i + 2] + 32768u)
                             >> 16);
    }
}

KERNEL_VERSIONS(resize_grey_row,
                (const uint8_t *pixels, uint8_t *greys, size_t count),
                (pixels, greys, count))

void resize_plane(
    const uint8_t *restrict pixels, int32_t channels, const float *restrict table, float *restrict output,
    size_t count) {
    for (size_t i = 0; i < count; i++) { output[i] = table[pixels[i * (size_t)channels]]; }
}

void resize_reorder(
    const uint8_t *restrict input, ptrdiff_t origin, ptrdiff_t step_x, ptrdiff_t step_y, uint8_t *restrict output,
    size_t width, size_t height) {
    // In squares, so that a quarter turn stays within the cache.
    enum { side = 64 };
    for (size_t top = 0; top < height; top += side) {
        for (size_t left = 0; left < width; left += side) {
            size_t bottom = top + side < height ? top + side : height;
            size_t right = left + side < width ? left + side : width;
            for (size_t y = top; y < bottom; y++) {
                const uint8_t *from = input + 3 * (origin + (ptrdiff_t)y * step_y + (ptrdiff_t)left * step_x);
                uint8_t *to = output + 3 * (y * width + left);
                for (size_t x = left; x < right; x++, from += 3 * step_x, to += 3) {
                    to[0] = from[0];
                    to[1] = from[1];
                    to[2] = from[2];
                }
            }
        }
    }
}
