#pragma once

#include <stddef.h>

/// Local response normalisation across channels (Krizhevsky et al. 2012, §3.3): `output[c] = input[c] / (k + alpha *
/// sum of squares of `size` channels around c) ^ beta`. The window starts size / 2 channels before c; channels outside
/// the range count as zero.
///
/// Shape: `[pixels, channels]` in and out. `squares` has room for `2 * channels + size` floats.
void kernel_local_response_norm(const float *input, float *output, ptrdiff_t channels, ptrdiff_t pixels,
                                ptrdiff_t size, float alpha, float beta, float k, float *squares);
