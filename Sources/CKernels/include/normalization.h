#pragma once

#include <stddef.h>

/// Local response normalisation across channels of one image:
/// `out[c][i] = in[c][i] / pow(k + alpha * sum(in[j][i]^2 for j within size / 2 of c), beta)`.
///
/// `alpha` is the factor of each term: divide it by `size` beforehand for the convention of Caffe and PyTorch.
/// `squares` has room for `pixels` floats.
/// Source: Krizhevsky et al. 2012, §3.3.
void kernel_local_response_norm(const float *input, float *output, ptrdiff_t channels, ptrdiff_t pixels,
                                ptrdiff_t size, float alpha, float beta, float k, float *squares);
