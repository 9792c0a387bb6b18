#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Linear layers, y = x·Wᵀ + b, for a few images: bound by the memory that the weights come from, so that each weight is
/// read once and used for every image.
///
/// Packed weights lie in panels of 32 outputs, `panel[k][output]`, zero behind the last output. Each output has a scale:
/// its weights are the packed numbers times that.

/// Outputs of a panel.
#define KERNEL_LINEAR_OUTPUTS 32

/// A linear layer's images on their way through some of its outputs.
typedef struct {
    /// Inputs of an image.
    ptrdiff_t depth;
    /// `[image][depth]`, images `input_stride` apart.
    const float *input;
    ptrdiff_t input_stride;
    ptrdiff_t image_count;
    /// How many outputs there are: at most 32 with a panel.
    ptrdiff_t output_count;
    /// One value an output.
    const float *bias;
    /// Whether the output is clamped at zero.
    bool relu;
    /// `[image][output]`, images `output_stride` apart.
    float *output;
    ptrdiff_t output_stride;
} kernel_linear;

/// One panel of float16 weights (IEEE 754 binary16, all of them finite). `sums` has room for
/// `32 * image_count` floats.
void kernel_linear_float16(const uint16_t *panel, const float *scales, const kernel_linear *layer, float *sums);

/// One panel of int8 weights.
void kernel_linear_int8(const int8_t *panel, const float *scales, const kernel_linear *layer, float *sums);

/// Most images of ``kernel_linear_few_images``; more are worth a panel.
#define KERNEL_LINEAR_FEW_IMAGES 8
/// Images of a panel.
#define KERNEL_LINEAR_PANEL_IMAGES 16

/// Float32 weights that lie row by row, one row an output, times up to eight images. `sums` has room for
/// `16 * 8 * output_count` floats.
void kernel_linear_few_images(const float *weights, const kernel_linear *layer, float *sums);

/// The same for any number of images that lie in panels of sixteen, `images[panel][k][image]`; the layer's own input is not
/// read. `sums` has room for `16 * panels * output_count` floats.
void kernel_linear_many_images(const float *weights, const float *images, const kernel_linear *layer, float *sums);

/// Packs up to 32 rows of `depth` finite values as float16, rounded to nearest, ties to even. The scale is the power of
/// two that brings the row's largest value just below 2¹⁵, or 1 where it lies from there to 65504: so nothing overflows,
/// nothing that matters is lost below the smallest number, and values that were float16 before are kept exactly.
void kernel_linear_pack_float16(const float *rows, ptrdiff_t row_count, ptrdiff_t depth, uint16_t *panel,
                                float *scales);

/// Packs up to 32 rows of `depth` finite values as int8: the value divided by the scale, rounded to nearest, ties to even;
/// the scale is the row's largest absolute value divided by 127. A row of zeros has scale 0.
void kernel_linear_pack_int8(const float *rows, ptrdiff_t row_count, ptrdiff_t depth, int8_t *panel, float *scales);
