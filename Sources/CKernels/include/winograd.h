#pragma once

#include <stdbool.h>
#include <stddef.h>

// Winograd's minimal filtering, F(m, r), for channels-last images. A tile of n × n inputs gives m × m outputs of an r ×
// r kernel, n = m + r - 1. The interpolation points are 0 (only if n is even), then as many of ±1, ±2, ±1/2 as n needs,
// and infinity.
// Source: Lavin and Gray 2015, arXiv:1509.09308.

/// How an image is divided into tiles. Units: elements.
typedef struct {
    /// The side n of a tile's input: 4, 6, 7 or 8.
    int extent;
    /// The side m of a tile's output, 2 to 6; also the step from one tile to the next.
    int output_extent;
    ptrdiff_t height, width;
    /// Distance between pixels; at least the number of channels.
    ptrdiff_t pixel_stride;
    /// Zero padding above and left of the image.
    ptrdiff_t padding_height, padding_width;
    ptrdiff_t tile_columns;
} kernel_winograd_tiles;

/// The input transform Bᵀ·d·B of one row of tiles: `output[place * place_stride + tile * tile_stride + channel]`, where
/// place is the row-major index in the transformed tile.
///
/// The channels of the output are rounded up to a multiple of sixteen. `zeros` points to one zero for each channel.
void kernel_winograd_input(const float *image, const kernel_winograd_tiles *tiles, ptrdiff_t tile_row,
                           ptrdiff_t channels, const float *zeros, float *output, ptrdiff_t place_stride,
                           ptrdiff_t tile_stride);

/// The output transform Aᵀ·m·A of one row of tiles, with bias and optional fused ReLU: from
/// `products[place * place_stride + tile * tile_stride + channel]` to the pixels of an image.
void kernel_winograd_output(const float *products, ptrdiff_t place_stride, ptrdiff_t tile_stride,
                            const kernel_winograd_tiles *tiles, ptrdiff_t tile_row, ptrdiff_t channels,
                            const float *bias, bool relu, float *image);

/// Space-to-depth: each `stride` × `stride` block of pixels becomes one pixel with all their channels, in row-major
/// order. The block of output pixel (y, x) starts at (y · stride, x · stride) - `padding`; pixels outside the image are
/// zero.
///
/// Shape: `[height, width, channels]` in, pixels `pixel_stride` apart; `[rows, columns, stride, stride, channels]` out,
/// from `first_row` of the result on.
void kernel_space_to_depth(const float *image, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels,
                           ptrdiff_t pixel_stride, ptrdiff_t stride, ptrdiff_t padding_height, ptrdiff_t padding_width,
                           ptrdiff_t first_row, ptrdiff_t rows, ptrdiff_t columns, float *output);

/// The kernel transform G·g·Gᵀ of `count` kernels, computed in float64: `result[place * count + kernel]`, where place
/// is the row-major index in the transformed tile.
///
/// Shape: matrix G `[extent, kernel_extent]`, kernels `[count, kernel_extent, kernel_extent]`.
void kernel_winograd_kernels(const double *matrix, int extent, int kernel_extent, const float *kernels, ptrdiff_t count,
                             float *result);

/// A·y·Aᵀ, the adjoint of the output transform, applied to the gradients of one row of output tiles. Pixels outside the
/// image count as zero. The output has the layout of ``kernel_winograd_input``.
void kernel_winograd_output_gradient(const float *gradient, const kernel_winograd_tiles *tiles, ptrdiff_t tile_row,
                                     ptrdiff_t channels, const float *zeros, float *output, ptrdiff_t place_stride,
                                     ptrdiff_t tile_stride);

/// Gᵀ·u·G, the adjoint of the kernel transform: gradients of `count` kernels from
/// `products[place * place_stride + kernel]`, computed in float64.
///
/// Shape: matrix G `[extent, kernel_extent]`, result `[count, kernel_extent, kernel_extent]`.
void kernel_winograd_kernel_gradient(const double *matrix, int extent, int kernel_extent, const float *products,
                                     ptrdiff_t place_stride, ptrdiff_t count, float *result);
