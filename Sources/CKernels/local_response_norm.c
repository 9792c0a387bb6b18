#include "normalization.h"

#include <math.h>
#include <string.h>

#include "multiversion.h"

/// `x ^ -0.75`, the exponent of every published AlexNet, by two square roots.
INLINE void scale_by_three_quarters(const float *input, float *output, const float *squares, ptrdiff_t pixels,
                                    float alpha, float k) {
    for (ptrdiff_t i = 0; i < pixels; i++) {
        const float root = sqrtf(k + alpha * squares[i]);
        output[i] = input[i] / (root * sqrtf(root));
    }
}

INLINE void scale_by_power(const float *input, float *output, const float *squares, ptrdiff_t pixels, float alpha,
                           float beta, float k) {
    for (ptrdiff_t i = 0; i < pixels; i++) output[i] = input[i] / powf(k + alpha * squares[i], beta);
}

INLINE void add_squares(const float *input, float *squares, ptrdiff_t pixels) {
    for (ptrdiff_t i = 0; i < pixels; i++) squares[i] += input[i] * input[i];
}

INLINE void kernel_local_response_norm_body(const float *input, float *output, ptrdiff_t channels, ptrdiff_t pixels,
                                            ptrdiff_t size, float alpha, float beta, float k, float *squares) {
    const ptrdiff_t before = size / 2;
    for (ptrdiff_t c = 0; c < channels; c++) {
        // The sum is taken anew for each channel: a running sum would cancel badly after a large activation.
        memset(squares, 0, (size_t)pixels * sizeof(float));
        const ptrdiff_t start = c - before < 0 ? 0 : c - before;
        const ptrdiff_t end = c - before + size > channels ? channels : c - before + size;
        for (ptrdiff_t j = start; j < end; j++) add_squares(input + j * pixels, squares, pixels);
        if (beta == 0.75f) {
            scale_by_three_quarters(input + c * pixels, output + c * pixels, squares, pixels, alpha, k);
        } else {
            scale_by_power(input + c * pixels, output + c * pixels, squares, pixels, alpha, beta, k);
        }
    }
}

KERNEL_VERSIONS(kernel_local_response_norm,
                (const float *input, float *output, ptrdiff_t channels, ptrdiff_t pixels, ptrdiff_t size, float alpha,
                 float beta, float k, float *squares),
                (input, output, channels, pixels, size, alpha, beta, k, squares))
