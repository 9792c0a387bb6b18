// Local response normalisation, forward pass.

#include "normalization.h"

#include <math.h>
#include <string.h>

#include "multiversion.h"

INLINE void kernel_local_response_norm_body(const float *input, float *output, ptrdiff_t channels, ptrdiff_t pixels,
                                            ptrdiff_t size, float alpha, float beta, float k, float *squares) {
    float *sums = squares + channels + size;
    memset(squares, 0, (size_t)(channels + size) * sizeof(float));
    for (ptrdiff_t pixel = 0; pixel < pixels; pixel++, input += channels, output += channels) {
        for (ptrdiff_t c = 0; c < channels; c++) squares[size / 2 + c] = input[c] * input[c];
        // Each window is summed from scratch: a running sum would suffer from cancellation after a large activation.
        memcpy(sums, squares, (size_t)channels * sizeof(float));
        for (ptrdiff_t j = 1; j < size; j++) {
            for (ptrdiff_t c = 0; c < channels; c++) sums[c] += squares[c + j];
        }
        if (beta == 0.75f) {
            // beta = 0.75 is the exponent of every published AlexNet. Two square roots are faster than a power.
            for (ptrdiff_t c = 0; c < channels; c++) {
                const float root = SQUARE_ROOT(k + alpha * sums[c]);
                output[c] = input[c] / (root * SQUARE_ROOT(root));
            }
        } else {
            for (ptrdiff_t c = 0; c < channels; c++) output[c] = input[c] / powf(k + alpha * sums[c], beta);
        }
    }
}

KERNEL_VERSIONS(kernel_local_response_norm,
                (const float *input, float *output, ptrdiff_t channels, ptrdiff_t pixels, ptrdiff_t size, float alpha,
                 float beta, float k, float *squares),
                (input, output, channels, pixels, size, alpha, beta, k, squares))
