#pragma once

#include <stddef.h>

/// How a window walks over one image, whose channels lie innermost. Units: elements.
typedef struct {
    ptrdiff_t height, width;
    /// From one pixel to the next; at least as many as there are channels.
    ptrdiff_t pixel_stride;
    ptrdiff_t kernel_height, kernel_width;
    ptrdiff_t stride_height, stride_width;
    ptrdiff_t padding_height, padding_width;
    ptrdiff_t output_width;
} kernel_window;

/// Unfolds `count` windows, from output position `first` on, into rows: `rows[position][ky][kx][channel]`, zero where a window
/// reaches over the edge.
void kernel_im2row(const float *image, ptrdiff_t channels, const kernel_window *window, ptrdiff_t first,
                   ptrdiff_t count, float *rows);
