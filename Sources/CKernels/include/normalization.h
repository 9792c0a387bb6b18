#pragma once

#include <stddef.h>

/// Local response normalisation across channels: `output[c] = input[c] / (k + alpha * Σ input[j]²) ^ beta`. The sum
/// runs over `size` channels j, from c - size / 2 on; channels outside the range count as zero.
/// Source: Krizhevsky et al. 2012, §3.3.
///
/// Shape: `[pixels, channels]` in and out. `squares` has room for `2 * channels + size` floats.
void kernel_local_response_norm(const float *input, float *output, ptrdiff_t channels, ptrdiff_t pixels,
                                ptrdiff_t size, float alpha, float beta, float k, float *squares);
