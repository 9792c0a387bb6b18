#pragma once

#include <stddef.h>

// Convolution by matrix product: the sliding window and im2row.

/// A sliding window over one image in channels-last layout. Units: elements.
typedef struct {
    ptrdiff_t height, width;
    /// Distance between pixels; at least the number of channels.
    ptrdiff_t pixel_stride;
    ptrdiff_t kernel_height, kernel_width;
    ptrdiff_t stride_height, stride_width;
    ptrdiff_t padding_height, padding_width;
    ptrdiff_t output_width;
} kernel_window;

/// im2row (im2col for channels-last): copies `count` windows, from output position `first` on, into rows
/// `rows[position][ky][kx][channel]`; elements outside the image are zero.
void kernel_im2row(const float *image, ptrdiff_t channels, const kernel_window *window, ptrdiff_t first,
                   ptrdiff_t count, float *rows);
