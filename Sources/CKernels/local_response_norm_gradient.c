// Local response normalisation, backward pass.

#include <math.h>
#include <string.h>

#include "gradients.h"
#include "multiversion.h"

// With s[c] = k + alpha · Σ x[j]² over the window around c, y[c] = x[c] · s[c]^-beta and
//   dx[i] = dy[i] · s[i]^-beta - 2 · alpha · beta · x[i] · Σ dy[c] · x[c] · s[c]^(-beta - 1)
// over all c whose window contains i.
INLINE void kernel_local_response_norm_gradient_body(const float *input, const float *gradient, float *result,
                                                     ptrdiff_t channels, ptrdiff_t pixels, ptrdiff_t size, float alpha,
                                                     float beta, float k, float *scratch) {
    const ptrdiff_t before = size / 2, after = size - 1 - before;
    // Both arrays are padded with zeros for the channels outside the range.
    float *squares = scratch, *shares = scratch + channels + size;
    memset(scratch, 0, (size_t)(2 * channels + 2 * size) * sizeof(float));
    for (ptrdiff_t pixel = 0; pixel < pixels; pixel++, input += channels, gradient += channels, result += channels) {
        for (ptrdiff_t c = 0; c < channels; c++) squares[before + c] = input[c] * input[c];
        for (ptrdiff_t c = 0; c < channels; c++) {
            float sum = 0;
            for (ptrdiff_t j = 0; j < size; j++) sum += squares[c + j];
            const float s = k + alpha * sum;
            const float scale = beta == 0.75f ? 1 / (SQUARE_ROOT(s) * SQUARE_ROOT(SQUARE_ROOT(s))) : powf(s, -beta);
            result[c] = gradient[c] * scale;
            shares[after + c] = gradient[c] * input[c] * scale / s;
        }
        for (ptrdiff_t c = 0; c < channels; c++) {
            float sum = 0;
            for (ptrdiff_t j = 0; j < size; j++) sum += shares[c + j];
            result[c] -= 2 * alpha * beta * input[c] * sum;
        }
    }
}

KERNEL_VERSIONS(kernel_local_response_norm_gradient,
                (const float *input, const float *output_gradient, float *input_gradient, ptrdiff_t channels,
                 ptrdiff_t pixels, ptrdiff_t size, float alpha, float beta, float k, float *scratch),
                (input, output_gradient, input_gradient, channels, pixels, size, alpha, beta, k, scratch))
