#pragma once

#include <stddef.h>

/// Krizhevsky's local response normalisation over neighbouring channels:
/// `output[c] = input[c] / (k + alpha * sum of squares of `size` channels around c) ^ beta`; the window begins size / 2 channels
/// before c, and channels beyond the first and the last count as zero.
///
/// Shape: `[pixels, channels]` in and out. `squares` has room for `2 * channels + size` floats.
void kernel_local_response_norm(const float *input, float *output, ptrdiff_t channels, ptrdiff_t pixels,
                                ptrdiff_t size, float alpha, float beta, float k, float *squares);
