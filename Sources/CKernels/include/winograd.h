#pragma once

#include <stdbool.h>
#include <stddef.h>

/// Winograd's minimal filtering in two dimensions: tiles of 4×4 outputs, from 6×6 inputs where the kernel is 3×3 and from
/// 8×8 inputs where it is 5×5. Tiles are worked on sixteen at a time, one a vector lane.
///
/// Source: Lavin and Gray 2015, arXiv:1509.09308.

/// How many tiles go side by side.
#define KERNEL_WINOGRAD_LANES 16
/// Height and width of a tile's output.
#define KERNEL_WINOGRAD_OUTPUT 4

/// Some rows of tiles of some images of a batch. Units: elements, or tiles where it says so.
typedef struct {
    ptrdiff_t height, width;
    /// Place (y, x) of the input stands for `plane[y * step + offset_y][x * step + offset_x]`, zero beyond the edge: the
    /// step is 1 and the offset minus the padding, but where a convolution of a larger stride is taken apart into phases.
    ptrdiff_t step, offset_y, offset_x;
    /// Of the whole image, in tiles.
    ptrdiff_t tile_columns;
    /// Of this block, in tiles.
    ptrdiff_t first_tile_row, tile_row_count;
    ptrdiff_t image_count;
    /// From one image to the next.
    ptrdiff_t image_stride;
} kernel_winograd_block;

/// Transforms one channel: Bᵀ·d·B of each tile, written to `output[k * matrix_stride + group * group_stride + lane]`
/// for each of the tile's `extent` × `extent` places k and each group of sixteen tiles. Lanes behind the last tile are zero.
///
/// `extent` is 6 or 8. `padded` has room for `(4 * rows + extent - 4) * (4 * columns + extent - 4)` floats.
void kernel_winograd_input(const float *plane, const kernel_winograd_block *block, int extent, float *padded,
                           float *output, ptrdiff_t group_stride, ptrdiff_t matrix_stride);

/// Transforms one channel back: Aᵀ·m·A of each tile plus the bias, clamped at zero if asked; `block` tells of the output.
void kernel_winograd_output(const float *input, ptrdiff_t matrix_stride, const kernel_winograd_block *block, int extent,
                            float bias, bool relu, float *plane);
