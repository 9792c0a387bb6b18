#pragma once

// The element types of packed weights and their sizes.

#include "linear.h"
#include "multiversion.h"

/// The element type of a panel's weights.
typedef enum { float32_weights, int24_weights, float16_weights, converted_float16_weights, int8_weights } weight_type;

/// Size of one input's weights in a panel. Units: bytes.
INLINE ptrdiff_t row_byte_count(weight_type type) {
    switch (type) {
    case float32_weights: return KERNEL_LINEAR_OUTPUTS * 4;
    case int24_weights: return KERNEL_LINEAR_OUTPUTS * 3;
    case int8_weights: return KERNEL_LINEAR_OUTPUTS;
    default: return KERNEL_LINEAR_OUTPUTS * 2;
    }
}
