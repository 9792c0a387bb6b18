#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Linear layers, y = x·Wᵀ + b, for small batches. Memory bandwidth for the weights limits their speed, so each weight
/// is read once and used for every image.
///
/// Packed weights are stored in panels of 32 outputs, `panel[k][output]`, padded with zeros after the last output. Each
/// output has a scale: a weight is its packed number times that scale.

/// The number of outputs of a panel.
#define KERNEL_LINEAR_OUTPUTS 32

/// The inputs and outputs of one panel of a linear layer, for a batch of images.
typedef struct {
    /// The number of input features.
    ptrdiff_t depth;
    /// `[image][depth]`, images `input_stride` apart.
    const float *input;
    ptrdiff_t input_stride;
    ptrdiff_t image_count;
    /// Number of outputs: at most 32 with a panel.
    ptrdiff_t output_count;
    /// One value for each output.
    const float *bias;
    /// Whether a ReLU follows in the same pass (fused activation).
    bool relu;
    /// How far ahead the weights are prefetched if all images are computed at once; zero for no prefetch. Units: bytes.
    ptrdiff_t prefetch_distance;
    /// `[image][output]`, images `output_stride` apart.
    float *output;
    ptrdiff_t output_stride;
} kernel_linear;

/// One panel of float32 weights. `sums` has room for `32 * image_count` floats.
void kernel_linear_float32(const void *panel, const float *scales, const kernel_linear *layer, float *sums);

/// One panel of int24 weights. The 32 numbers of each input are stored as their upper 16 bits (int16), followed by
/// their lower 8 bits (uint8).
void kernel_linear_int24(const void *panel, const float *scales, const kernel_linear *layer, float *sums);

/// One panel of float16 weights (IEEE 754 binary16, all of them finite).
void kernel_linear_float16(const void *panel, const float *scales, const kernel_linear *layer, float *sums);

/// One panel of int8 weights.
void kernel_linear_int8(const void *panel, const float *scales, const kernel_linear *layer, float *sums);

// Packing takes up to 32 rows of `depth` finite values. `relative_error` receives the largest relative error of any
// slice of a row: the Euclidean norm of the quantization error divided by the norm of the values. A slice holds the
// values whose indices are equal modulo 16. Slices keep one large value of a row from hiding the errors of the others.

/// Copies the values; the scale is 1.
void kernel_linear_pack_float32(const float *rows, ptrdiff_t row_count, ptrdiff_t depth, void *panel, float *scales,
                                float *relative_error);

/// Divides by the scale and rounds to nearest, ties to even. The scale is the power of two that brings the row's
/// largest magnitude just below 2²³; the largest values lose one of float32's 24 bits.
void kernel_linear_pack_int24(const float *rows, ptrdiff_t row_count, ptrdiff_t depth, void *panel, float *scales,
                              float *relative_error);

/// Divides by the scale and rounds to nearest, ties to even. The scale is the power of two that brings the row's
/// largest magnitude just below 2¹⁵, or 1 if that magnitude is between 2¹⁵ and 65504. So nothing overflows, underflow
/// is negligible, and values that were float16 before are kept exactly.
void kernel_linear_pack_float16(const float *rows, ptrdiff_t row_count, ptrdiff_t depth, void *panel, float *scales,
                                float *relative_error);

/// Divides by the scale, which is the row's largest magnitude divided by 127; a row of zeros has scale 0. Numbers are
/// rounded to nearest, except that a few are rounded the other way: the errors of sixteen neighbours then sum to at
/// most half a quantization step.
void kernel_linear_pack_int8(const float *rows, ptrdiff_t row_count, ptrdiff_t depth, void *panel, float *scales,
                             float *relative_error);
