#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "convolution.h"

// What layers compute while a network learns, besides matrix products. Gradients are those of the loss by a value; those of
// a layer's input are written, not added to, except where it says so.

/// Folds rows that ``kernel_im2row`` would have unfolded back, adding up what falls on one pixel: `image` is added to.
void kernel_row2im(const float *rows, ptrdiff_t channels, const kernel_window *window, ptrdiff_t first, ptrdiff_t count,
                   float *image);

/// ``kernel_max_pool`` that remembers which place of its window each value came from, counted row by row; of equal ones the
/// first, as in PyTorch. Limits: windows of at most 256 places.
void kernel_max_pool_choose(const float *image, const kernel_window *window, ptrdiff_t channels,
                            ptrdiff_t output_height, float *output, uint8_t *choices);

/// Hands each output's gradient to the pixel that was chosen.
///
/// Where `rectified` is given, it holds the outputs of a pooling behind a rectifier: the gradients of those that are not above
/// zero count as zero, which is the rectifier's own gradient.
void kernel_max_pool_gradient(const float *output_gradient, const uint8_t *choices, const float *rectified,
                              const kernel_window *window, ptrdiff_t channels, ptrdiff_t output_height,
                              float *input_gradient);

/// ``kernel_adaptive_average_pool`` backwards.
void kernel_adaptive_average_pool_gradient(const float *output_gradient, ptrdiff_t height, ptrdiff_t width,
                                           ptrdiff_t channels, ptrdiff_t output_height, ptrdiff_t output_width,
                                           float *input_gradient);

/// ``kernel_local_response_norm`` backwards. `scratch` has room for `2 * channels + 2 * size` floats.
void kernel_local_response_norm_gradient(const float *input, const float *output_gradient, float *input_gradient,
                                         ptrdiff_t channels, ptrdiff_t pixels, ptrdiff_t size, float alpha, float beta,
                                         float k, float *scratch);

/// `gradient[i] = 0` wherever `output[i]` is not above zero.
void kernel_relu_gradient(const float *output, float *gradient, ptrdiff_t count);

/// Zeroes each value with a probability of `threshold / 2³²`, and multiplies the others with `scale`. The choice depends on
/// `seed` and on `first + i` alone, so that the gradient makes the same one.
void kernel_dropout(float *values, ptrdiff_t first, ptrdiff_t count, uint64_t seed, uint32_t threshold, float scale);

/// `sums[column] += Σ rows[row * row_stride + column]`
void kernel_sum_rows(const float *rows, ptrdiff_t row_count, ptrdiff_t column_count, ptrdiff_t row_stride, float *sums);

/// `values[i] += addends[i]`
void kernel_add(const float *addends, float *values, ptrdiff_t count);
