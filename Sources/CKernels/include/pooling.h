#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "convolution.h"

/// Max pooling: the largest value under each window, per channel. Padding does not count; NaN propagates.
///
/// Shape: `[height, width, channels]` in, `[output_height, output_width, channels]` out.
void kernel_max_pool(const float *image, const kernel_window *window, ptrdiff_t channels, ptrdiff_t output_height,
                     float *output);

/// ``kernel_max_pool`` of bytes. The largest of quantized values is the largest value, quantized.
void kernel_max_pool_bytes(const uint8_t *image, const kernel_window *window, ptrdiff_t channels,
                           ptrdiff_t output_height, uint8_t *output);

/// Adaptive average pooling: the means of `output_height` × `output_width` regions; region i of H' covers rows
/// floor(i · H / H') to ceil((i + 1) · H / H'). Source: PyTorch, AdaptiveAvgPool2d.
///
/// Shape: `[height, width, channels]` in, `[output_height, output_width, channels]` out.
void kernel_adaptive_average_pool(const float *image, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels,
                                  ptrdiff_t output_height, ptrdiff_t output_width, float *output);

/// Average pooling: the mean under each window, per channel. The divisor is the number of the window's elements within
/// the image, or within the padded image if `counts_padding`. If the output size is rounded up, the last windows extend
/// beyond the padding; those elements never count. Source: PyTorch, AvgPool2d.
///
/// Shape: `[height, width, channels]` in, `[output_height, output_width, channels]` out.
void kernel_average_pool(const float *image, const kernel_window *window, ptrdiff_t channels, ptrdiff_t output_height,
                         bool counts_padding, float *output);
