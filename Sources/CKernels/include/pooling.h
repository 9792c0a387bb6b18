#pragma once

#include <stddef.h>

#include "convolution.h"

/// The largest value under each window of one plane; places beyond the edge do not count. `row` has room for as many
/// floats as the plane is wide.
void kernel_max_pool(const float *plane, const kernel_window *window, ptrdiff_t output_height, float *row,
                     float *output);

/// The mean of each of `output_height` × `output_width` regions, from floor(i · H / H') to ceil((i + 1) · H / H').
/// Source: PyTorch, AdaptiveAvgPool2d.
void kernel_adaptive_average_pool(const float *plane, ptrdiff_t height, ptrdiff_t width, ptrdiff_t output_height,
                                  ptrdiff_t output_width, float *output);
