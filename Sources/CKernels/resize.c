// The vertical pass of image resizing, conversion to grey, normalisation, and rotation.

#include "resize.h"

#include "multiversion.h"

enum { fraction_bits = 22 };

INLINE void resize_accumulate_body(int32_t *restrict sums, const uint8_t *restrict rows, ptrdiff_t stride,
                                   const int32_t *restrict weights, ptrdiff_t row_count, ptrdiff_t count) {
    // Four rows per pass, so that the accumulators are loaded and stored once for all four.
    ptrdiff_t r = 0;
    for (; r + 4 <= row_count; r += 4) {
        const uint8_t *restrict a = rows + r * stride, *restrict b = a + stride, *restrict c = b + stride,
                                *restrict d = c + stride;
        const uint32_t wa = (uint32_t)weights[r], wb = (uint32_t)weights[r + 1], wc = (uint32_t)weights[r + 2],
                       wd = (uint32_t)weights[r + 3];
        for (ptrdiff_t i = 0; i < count; i++) {
            sums[i] = (int32_t)((uint32_t)sums[i] + wa * a[i] + wb * b[i] + wc * c[i] + wd * d[i]);
        }
    }
    for (; r < row_count; r++) {
        const uint8_t *restrict a = rows + r * stride;
        const uint32_t wa = (uint32_t)weights[r];
        for (ptrdiff_t i = 0; i < count; i++) { sums[i] = (int32_t)((uint32_t)sums[i] + wa * a[i]); }
    }
}

KERNEL_VERSIONS(resize_accumulate,
                (int32_t *sums, const uint8_t *rows, ptrdiff_t stride, const int32_t *weights, ptrdiff_t row_count,
                 ptrdiff_t count),
                (sums, rows, stride, weights, row_count, count))

INLINE void resize_finish_body(int32_t *restrict sums, uint8_t *restrict row, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) {
        const int32_t value = sums[i] >> fraction_bits;
        row[i] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
        sums[i] = RESIZE_HALF;
    }
}

KERNEL_VERSIONS(resize_finish, (int32_t *sums, uint8_t *row, ptrdiff_t count), (sums, row, count))

INLINE void resize_grey_row_body(const uint8_t *restrict pixels, uint8_t *restrict greys, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) {
        greys[i] = (uint8_t)((19595u * pixels[3 * i] + 38470u * pixels[3 * i + 1] + 7471u * pixels[3 * i + 2] + 32768u)
                             >> 16);
    }
}

KERNEL_VERSIONS(resize_grey_row, (const uint8_t *pixels, uint8_t *greys, ptrdiff_t count), (pixels, greys, count))

INLINE void resize_normalize_body(const uint8_t *restrict bytes, float divisor, const float *restrict mean,
                                  const float *restrict deviation, float *restrict output, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) { output[i] = ((float)bytes[i] / divisor - mean[i]) / deviation[i]; }
}

KERNEL_VERSIONS(resize_normalize,
                (const uint8_t *bytes, float divisor, const float *mean, const float *deviation, float *output,
                 ptrdiff_t count),
                (bytes, divisor, mean, deviation, output, count))

void resize_reorder(
    const uint8_t *restrict input, ptrdiff_t origin, ptrdiff_t step_x, ptrdiff_t step_y, uint8_t *restrict output,
    size_t width, size_t height) {
    // In square blocks, so that rotations by 90° stay within the cache.
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
