#pragma once

#include <stddef.h>
#include <stdint.h>

#include "byte_products.h"

// Winograd's minimal filtering F(4, 3) in integers, without any error: it computes the same sums of products of bytes as the
// convolution's definition, with a quarter of the multiplications. A tile of 6 × 6 inputs gives 4 × 4 outputs.
//
// Lavin and Gray's kernel transform G has fractions, whose common denominator is 24. Here its rows are multiplied by 24, the
// last one by 12, so that it is an integer matrix, and the output transform doubles the last product. Transformed bytes are
// at most 100 · 255 = 25,500 and transformed kernels at most 12 · 12 · 127 = 18,288: both fit in 16 bits. The output transform
// gives 24² = 9 · 64 times the sum. All of this is computed modulo 2³², where 9 has an inverse. What is left is 64 times the
// sum modulo 2³², which an arithmetic shift makes the sum itself, if its magnitude is below 2²⁵.
//
// Larger kernels are divided into parts of at most 3 × 3, whose products are added before the output transform, as if
// each were a further set of input channels.
// Source: Lavin and Gray 2015, arXiv:1509.09308, §4.3; sums modulo a power of two as in residue number systems.

/// The number of elements of a transformed tile.
#define KERNEL_INTEGER_TILE_PLACES 36

/// The side of a tile's input, and that of its output. Units: pixels.
#define KERNEL_INTEGER_TILE_EXTENT 6
#define KERNEL_INTEGER_TILE_OUTPUT 4

/// The largest magnitude of a sum that the output transform can tell from others is less than this.
#define KERNEL_INTEGER_TILE_LIMIT (1 << 25)

/// Which pixels a row of tiles reads.
typedef struct {
    ptrdiff_t height, width;
    /// Distance between pixels. Units: bytes.
    ptrdiff_t pixel_stride;
    /// The first pixel of the first tile; may be outside the image, in the padding.
    ptrdiff_t top, left;
    ptrdiff_t tile_columns;
} kernel_integer_tiles;

/// How many bytes ``kernel_integer_winograd_input`` may read after the image's last channel.
#define KERNEL_INTEGER_TILE_SLACK 32

/// The input transform Bᵀ·d·B of one row of tiles: `output[places[place] + tile * tile_stride + channel]`, where place is the
/// row-major index in the transformed tile.
///
/// - Parameters:
///   - channels: rounded up to a multiple of two; the last of an odd number is written, with any value.
///   - outside: the bytes of a pixel outside the image, with slack.
///   - places: where each place starts; negative for those that are not wanted.
void kernel_integer_winograd_input(const uint8_t *image, const kernel_integer_tiles *tiles, ptrdiff_t channels,
                                   const uint8_t *outside, const ptrdiff_t *places, ptrdiff_t tile_stride,
                                   int16_t *output);

/// Space-to-depth of bytes: as ``kernel_space_to_depth``, where pixels outside the image are `zero_point`.
void kernel_space_to_depth_bytes(const uint8_t *image, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels,
                                 ptrdiff_t pixel_stride, ptrdiff_t stride, ptrdiff_t padding_height,
                                 ptrdiff_t padding_width, uint8_t zero_point, ptrdiff_t first_row, ptrdiff_t rows,
                                 ptrdiff_t columns, uint8_t *output);

/// The kernel transform of sixteen output channels, for one part of the kernel: from a panel of ``kernel_pack_bytes``, whose
/// depth is `[kernel row][kernel column][channel]`, to `output[places[place] + (channel / 2 * 16 + column) * 2 + channel %
/// 2]`, of a panel of ``kernel_multiply_int16``.
///
/// - Parameters:
///   - kernel_width: the columns of the whole kernel.
///   - row, column: the part's first element.
///   - rows, columns: the part's extent, 1 to 3.
///   - places: as in ``kernel_integer_winograd_input``.
void kernel_integer_winograd_kernels(const int8_t *panel, ptrdiff_t channels, ptrdiff_t kernel_width, int row, int column,
                                     int rows, int columns, const ptrdiff_t *places, int16_t *output);

/// The output transform of one row of tiles, and the rescaling of its sums: from `products[place * place_stride + tile *
/// tile_stride + channel]` to the pixels of an image, row `y * image_width + x` of the rescaling's output.
///
/// Limits: each sum's magnitude is below ``KERNEL_INTEGER_TILE_LIMIT``.
/// - Parameter height, width: the pixels to write, from the tiles' first row on; those of the last tiles may be fewer.
void kernel_integer_winograd_output(const int32_t *products, ptrdiff_t place_stride, ptrdiff_t tile_stride,
                                    ptrdiff_t tile_columns, ptrdiff_t first_row, ptrdiff_t height, ptrdiff_t width,
                                    ptrdiff_t image_width, const kernel_byte_rescaling *rescaling);
