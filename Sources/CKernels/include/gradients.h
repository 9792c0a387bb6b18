#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "convolution.h"

// Backward passes of layers, except matrix products. A gradient is the derivative of the loss with respect to a value.
// The gradient of a layer's input is overwritten, not accumulated, unless stated otherwise.

/// row2im (col2im for channels-last), the adjoint of ``kernel_im2row``: adds each row's elements to their pixels of
/// `image`.
void kernel_row2im(const float *rows, ptrdiff_t channels, const kernel_window *window, ptrdiff_t first, ptrdiff_t count,
                   float *image);

/// ``kernel_max_pool`` that also stores the argmax of each window: its row-major index in the window. Of equal values
/// the first one counts, as in PyTorch. Limits: windows of at most 256 elements.
void kernel_max_pool_choose(const float *image, const kernel_window *window, ptrdiff_t channels,
                            ptrdiff_t output_height, float *output, uint8_t *choices);

/// Backward pass of ``kernel_max_pool``: adds each output's gradient to the pixel that was the maximum.
///
/// `relu_output` fuses the backward pass of a ReLU before the pooling. If it is not null, it holds the pooled outputs
/// of that ReLU, and the gradient of an output that is not positive counts as zero.
void kernel_max_pool_gradient(const float *output_gradient, const uint8_t *choices, const float *relu_output,
                              const kernel_window *window, ptrdiff_t channels, ptrdiff_t output_height,
                              float *input_gradient);

/// Backward pass of ``kernel_adaptive_average_pool``.
void kernel_adaptive_average_pool_gradient(const float *output_gradient, ptrdiff_t height, ptrdiff_t width,
                                           ptrdiff_t channels, ptrdiff_t output_height, ptrdiff_t output_width,
                                           float *input_gradient);

/// Backward pass of ``kernel_local_response_norm``. `scratch` has room for `2 * channels + 2 * size` floats.
void kernel_local_response_norm_gradient(const float *input, const float *output_gradient, float *input_gradient,
                                         ptrdiff_t channels, ptrdiff_t pixels, ptrdiff_t size, float alpha, float beta,
                                         float k, float *scratch);

/// Backward pass of ReLU, in place: `gradient[i] = 0` where `output[i]` is not positive.
void kernel_relu_gradient(const float *output, float *gradient, ptrdiff_t count);

/// Dropout: zeroes each value with probability `threshold / 2³²` and multiplies the others by `scale`. The mask depends
/// only on `seed` and the index `first + i`, so the backward pass draws the same mask again.
void kernel_dropout(float *values, ptrdiff_t first, ptrdiff_t count, uint64_t seed, uint32_t threshold, float scale);

/// Backward pass of a bias: `sums[column] += Σ rows[row * row_stride + column]`.
void kernel_sum_rows(const float *rows, ptrdiff_t row_count, ptrdiff_t column_count, ptrdiff_t row_stride, float *sums);

/// Accumulates: `values[i] += addends[i]`.
void kernel_add(const float *addends, float *values, ptrdiff_t count);
