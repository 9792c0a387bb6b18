#pragma once

#include <stdbool.h>
#include <stddef.h>

// Winograd's minimal filtering on images whose channels lie innermost. A tile of n × n inputs gives m × m outputs,
// m = n - r + 1 for a kernel of r × r. The polynomials behind it are evaluated at 0 (unless n is odd), ±1, ±2, ±1/2 as
// far as n asks for them, and infinity.
// Source: Lavin and Gray 2015, arXiv:1509.09308.

/// How tiles lie on an image. Units: elements.
typedef struct {
    /// 4, 6, 7 or 8: the side of a tile's input.
    int extent;
    /// 2 to 6: the side of a tile's output, and so the step from tile to tile.
    int output_extent;
    ptrdiff_t height, width;
    /// From one pixel to the next; at least as many as there are channels.
    ptrdiff_t pixel_stride;
    /// How far the first tile reaches beyond the upper and left edge; zeros lie there.
    ptrdiff_t padding_height, padding_width;
    ptrdiff_t tile_columns;
} kernel_winograd_tiles;

/// Bᵀ·d·B for one row of tiles: `output[place * place_stride + tile * tile_stride + channel]`, places row by row.
///
/// The channels are rounded up to sixteen in the output. `zeros` holds as many zeros as there are channels.
void kernel_winograd_input(const float *image, const kernel_winograd_tiles *tiles, ptrdiff_t tile_row,
                           ptrdiff_t channels, const float *zeros, float *output, ptrdiff_t place_stride,
                           ptrdiff_t tile_stride);

/// Aᵀ·m·A, bias and, if asked, clamping at zero for one row of tiles: the way back from
/// `products[place * place_stride + tile * tile_stride + channel]` to the pixels of an image.
void kernel_winograd_output(const float *products, ptrdiff_t place_stride, ptrdiff_t tile_stride,
                            const kernel_winograd_tiles *tiles, ptrdiff_t tile_row, ptrdiff_t channels,
                            const float *bias, bool relu, float *image);

/// Deals rows and columns out to phases: pixel (y, x) of the result holds the `stride` × `stride` pixels from
/// (y · stride, x · stride) - `padding` on, row by row, each with its channels; zeros beyond the edge.
///
/// Shape: `[height, width, channels]` in, pixels `pixel_stride` apart; `[rows, columns, stride, stride, channels]` out, from
/// `first_row` of the result on.
void kernel_space_to_depth(const float *image, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels,
                           ptrdiff_t pixel_stride, ptrdiff_t stride, ptrdiff_t padding_height, ptrdiff_t padding_width,
                           ptrdiff_t first_row, ptrdiff_t rows, ptrdiff_t columns, float *output);

/// G·g·Gᵀ of `count` kernels, in float64 until the last step: `result[place * count + kernel]`, places row by row.
///
/// Shape: matrix G `[extent, kernel_extent]`, kernels `[count, kernel_extent, kernel_extent]`.
void kernel_winograd_kernels(const double *matrix, int extent, int kernel_extent, const float *kernels, ptrdiff_t count,
                             float *result);

/// A·y·Aᵀ, the way of the gradients of one row of output tiles into the transformed domain; zeros beyond the image's edge.
/// The output is laid out as that of ``kernel_winograd_input``.
void kernel_winograd_output_gradient(const float *gradient, const kernel_winograd_tiles *tiles, ptrdiff_t tile_row,
                                     ptrdiff_t channels, const float *zeros, float *output, ptrdiff_t place_stride,
                                     ptrdiff_t tile_stride);

/// Gᵀ·u·G, the way of `count` kernels' gradients back from `products[place * place_stride + kernel]`, in float64 until the
/// last step.
///
/// Shape: matrix G `[extent, kernel_extent]`, result `[count, kernel_extent, kernel_extent]`.
void kernel_winograd_kernel_gradient(const double *matrix, int extent, int kernel_extent, const float *products,
                                     ptrdiff_t place_stride, ptrdiff_t count, float *result);
