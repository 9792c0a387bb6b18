#pragma once

#include <stddef.h>

/// How a convolution's window walks over one image. Units: elements.
typedef struct {
    ptrdiff_t height, width;
    ptrdiff_t kernel_height, kernel_width;
    ptrdiff_t stride_height, stride_width;
    ptrdiff_t padding_height, padding_width;
    ptrdiff_t output_width;
} kernel_window;

/// Unfolds `count` windows, from output position `first` on, of `channels` planes into columns:
/// `columns[(c * KH + ky) * KW + kx][position]`, zero where a window reaches over the edge.
void kernel_im2col(const float *planes, ptrdiff_t channels, const kernel_window *window, ptrdiff_t first,
                   ptrdiff_t count, float *columns);
