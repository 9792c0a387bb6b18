#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "convolution.h"

/// The largest value under each window, channel by channel; places beyond the edge do not count, and a NaN wins.
///
/// Shape: `[height, width, channels]` in, `[output_height, output_width, channels]` out.
void kernel_max_pool(const float *image, const kernel_window *window, ptrdiff_t channels, ptrdiff_t output_height,
                     float *output);

/// The mean of each of `output_height` × `output_width` regions, from floor(i · H / H') to ceil((i + 1) · H / H').
/// Source: PyTorch, AdaptiveAvgPool2d.
///
/// Shape: `[height, width, channels]` in, `[output_height, output_width, channels]` out.
void kernel_adaptive_average_pool(const float *image, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels,
                                  ptrdiff_t output_height, ptrdiff_t output_width, float *output);

/// The mean under each window, channel by channel. With `counts_padding` a window is divided by the places that it has
/// within the padded image, else by those within the image itself; a last window that reaches further, as rounding up
/// makes them, is never divided by what lies beyond the padding. Source: PyTorch, AvgPool2d.
///
/// Shape: `[height, width, channels]` in, `[output_height, output_width, channels]` out.
void kernel_average_pool(const float *image, const kernel_window *window, ptrdiff_t channels, ptrdiff_t output_height,
                         bool counts_padding, float *output);
