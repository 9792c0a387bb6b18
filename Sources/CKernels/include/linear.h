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

/// One panel of float32 weights. `sums` has room for `32 * image_count` floats.
void kernel_linear_float32(const void *panel, const float *scales, const kernel_linear *layer, float *sums);

/// One panel of int24 weights: an input's 32 numbers divided by 256 and rounded down, as int16; behind them what is left of
/// each, as uint8.
void kernel_linear_int24(const void *panel, const float *scales, const kernel_linear *layer, float *sums);

/// One panel of float16 weights (IEEE 754 binary16, all of them finite).
void kernel_linear_float16(const void *panel, const float *scales, const kernel_linear *layer, float *sums);

/// One panel of int8 weights.
void kernel_linear_int8(const void *panel, const float *scales, const kernel_linear *layer, float *sums);

// Packing takes up to 32 rows of `depth` finite values. `relative_error` becomes the largest of any sixteenth of a row (the
// values whose places are the same modulo 16): the length (Euclidean norm) of the difference between its values and those
// that the panel stands for, divided by that of its values. One large value of a row does not hide what the others lose.

/// The values as they are; the scale is 1.
void kernel_linear_pack_float32(const float *rows, ptrdiff_t row_count, ptrdiff_t depth, void *panel, float *scales,
                                float *relative_error);

/// The value divided by the scale, rounded to nearest, ties to even. The scale is the power of two that brings the row's
/// largest value just below 2²³: of values of that size, one of float32's 24 bits is lost.
void kernel_linear_pack_int24(const float *rows, ptrdiff_t row_count, ptrdiff_t depth, void *panel, float *scales,
                              float *relative_error);

/// The value divided by the scale, rounded to nearest, ties to even. The scale is the power of two that brings the row's
/// largest value just below 2¹⁵, or 1 where it lies from there to 65504: so nothing overflows, nothing that matters is lost
/// below the smallest number, and values that were float16 before are kept exactly.
void kernel_linear_pack_float16(const float *rows, ptrdiff_t row_count, ptrdiff_t depth, void *panel, float *scales,
                                float *relative_error);

/// The value divided by the scale, which is the row's largest absolute value divided by 127; a row of zeros has scale 0.
/// Numbers are rounded to nearest, but for those that must go the other way so that the errors of sixteen neighbours sum to
/// half a step at most.
void kernel_linear_pack_int8(const float *rows, ptrdiff_t row_count, ptrdiff_t depth, void *panel, float *scales,
                             float *relative_error);
