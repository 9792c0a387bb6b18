// Packs and quantizes the weights of linear layers into panels, once at load.

#include <string.h>

#include "linear.h"
#include "linear_weights.h"
#include "multiversion.h"

enum {
    OUTPUTS = KERNEL_LINEAR_OUTPUTS,
    /// Inputs transposed at a time. Sixteen values of a row are one cache line.
    TILE = 16,
};

INLINE uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

INLINE float float_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/// Rounds a value of magnitude at most 65504 to nearest, ties to even. Branch-free, so that it vectorises on every CPU.
/// Source: IEEE 754-2019, §3.4.
INLINE uint32_t float16_of(float value) {
    const uint32_t magnitude = bits_of(value) & 0x7FFFFFFF;
    // Adds half a unit in the last kept place, or just less if that bit is even; then corrects the exponent bias from
    // 127 to 15.
    const uint32_t normal = ((magnitude + 0xFFF + (magnitude >> 13 & 1)) >> 13) - (112 << 10);
    // Below 2⁻¹⁴ the unit is 2⁻²⁴, the last place of float32 between ½ and 1.
    const uint32_t subnormal = bits_of(float_of(magnitude) + 0.5f) - bits_of(0.5f);
    return (magnitude < 113u << 23 ? subnormal : normal) | (bits_of(value) >> 16 & 0x8000);
}

INLINE float float_of_float16(uint32_t number) {
    // Multiplying by 2¹¹² corrects the exponent bias, for subnormals too. There are no infinities.
    const float magnitude = float_of((number & 0x7FFF) << 13) * 0x1p112f;
    return float_of(bits_of(magnitude) | (number & 0x8000) << 16);
}

/// Rounds a value of magnitude at most 2²² to nearest, ties to even.
INLINE int32_t int8_of(float value) { return (int32_t)((value + 0x1.8p23f) - 0x1.8p23f); }

/// Rounds a value of magnitude below 2²³ to nearest, ties to even, but never up to 2²³.
INLINE int32_t int24_of(float value) {
    const float magnitude = float_of(bits_of(value) & 0x7FFFFFFF);
    const int32_t rounded = (int32_t)(bits_of(magnitude + 0x1p23f) - bits_of(0x1p23f));
    const int32_t kept = rounded < 0x7FFFFF ? rounded : 0x7FFFFF;
    return value < 0 ? -kept : kept;
}

/// Encodes a weight that has been divided by its scale: the bits of a float, or an integer.
INLINE uint32_t encode(float value, weight_type type) {
    switch (type) {
    case float32_weights: return bits_of(value);
    case int24_weights: return (uint32_t)int24_of(value);
    case int8_weights: return (uint32_t)int8_of(value);
    default: return float16_of(value);
    }
}

INLINE float decode(uint32_t number, weight_type type) {
    switch (type) {
    case float32_weights: return float_of(number);
    case int24_weights:
    case int8_weights: return (float)(int32_t)number;
    default: return float_of_float16(number);
    }
}

/// Writes the encoded weight of one output; `row` is the start of the input's weights.
INLINE void write_number(char *row, ptrdiff_t output, uint32_t number, weight_type type) {
    switch (type) {
    case float32_weights: ((uint32_t *)row)[output] = number; break;
    case int24_weights:
        ((int16_t *)row)[output] = (int16_t)((int32_t)number >> 8);
        ((uint8_t *)row)[OUTPUTS * sizeof(int16_t) + (size_t)output] = (uint8_t)number;
        break;
    case int8_weights: ((int8_t *)row)[output] = (int8_t)number; break;
    default: ((uint16_t *)row)[output] = (uint16_t)number;
    }
}

INLINE float largest(const float *row, ptrdiff_t depth) {
    uint32_t most = 0;
    for (ptrdiff_t k = 0; k < depth; k++) {
        // The bits of absolute values compare like the values.
        const uint32_t magnitude = bits_of(row[k]) & 0x7FFFFFFF;
        most = magnitude > most ? magnitude : most;
    }
    return float_of(most);
}

/// The power of two by which a row is divided, so that its largest magnitude falls into 2ᵖ…2ᵖ⁺¹, p = `power`.
INLINE float scale_from(int power, float most) {
    if (most == 0) return 1;
    // Subnormal magnitudes and scales are raised to the smallest normal number.
    const int exponent = most < 0x1p-126f ? -126 : (int)(bits_of(most) >> 23) - 127;
    return float_of((uint32_t)((exponent - power > -126 ? exponent - power : -126) + 127) << 23);
}

INLINE float scale_of(float most, weight_type type) {
    switch (type) {
    case float32_weights: return 1;
    case int24_weights: return scale_from(22, most);
    // A subnormal scale would be inaccurate. The weights of such an output become zero, and only its bias remains.
    case int8_weights: return most / 127 < 0x1p-126f ? 0 : most / 127;
    default: return most >= 0x1p15f && most <= 65504 ? 1 : scale_from(14, most);
    }
}

/// Error compensation: rounds the numbers closest to a tie the other way until the errors of a tile sum to at most half
/// a step. Neighbouring inputs are correlated (pixels of a feature map, outputs of a ReLU), and their common part is
/// multiplied by that sum.
/// Source: Guo et al., SQuant, 2022 (arXiv:2202.07471).
INLINE void balance(const float *values, uint32_t *numbers) {
    float errors[TILE], sum = 0;
    for (ptrdiff_t k = 0; k < TILE; k++) {
        errors[k] = values[k] - (float)(int32_t)numbers[k];
        sum += errors[k];
    }
    while (sum > 0.5f || sum < -0.5f) {
        const int sign = sum > 0 ? 1 : -1;
        ptrdiff_t most = 0;
        for (ptrdiff_t k = 1; k < TILE; k++) {
            if (errors[k] * (float)sign > errors[most] * (float)sign) most = k;
        }
        numbers[most] += (uint32_t)sign;
        errors[most] -= (float)sign;
        sum -= (float)sign;
    }
}

INLINE void pack(const float *rows, ptrdiff_t row_count, ptrdiff_t depth, weight_type type, char *panel, float *scales,
                 float *relative_error) {
    for (ptrdiff_t row = 0; row < OUTPUTS; row++) {
        scales[row] = row < row_count ? scale_of(largest(rows + row * depth, depth), type) : 0;
    }
    // Sums of squares for each index in a tile, so that the loops vectorise.
    float lengths[OUTPUTS][TILE] = {0}, errors[OUTPUTS][TILE] = {0};
    for (ptrdiff_t first = 0; first < depth; first += TILE) {
        const ptrdiff_t count = depth - first < TILE ? depth - first : TILE;
        uint32_t tile[OUTPUTS][TILE] = {0};
        for (ptrdiff_t row = 0; row < row_count; row++) {
            if (scales[row] == 0) continue;
            float values[TILE] = {0};
            memcpy(values, rows + row * depth + first, (size_t)count * sizeof(float));
            for (ptrdiff_t k = 0; k < TILE; k++) {
                values[k] /= scales[row];
                tile[row][k] = encode(values[k], type);
            }
            if (type == int8_weights) balance(values, tile[row]);
            for (ptrdiff_t k = 0; k < TILE; k++) {
                const float error = values[k] - decode(tile[row][k], type);
                lengths[row][k] += type == float32_weights ? 0 : values[k] * values[k];
                errors[row][k] += error * error;
            }
        }
        for (ptrdiff_t k = 0; k < count; k++) {
            char *target = panel + (first + k) * row_byte_count(type);
            for (ptrdiff_t row = 0; row < OUTPUTS; row++) write_number(target, row, tile[row][k], type);
        }
    }
    float most = 0;
    for (ptrdiff_t row = 0; row < row_count; row++) {
        for (ptrdiff_t k = 0; k < TILE; k++) {
            if (errors[row][k] > most * lengths[row][k]) most = errors[row][k] / lengths[row][k];
        }
    }
    *relative_error = SQUARE_ROOT(most);
}

#define PARAMETERS                                                                                                     \
    (const float *rows, ptrdiff_t row_count, ptrdiff_t depth, void *panel, float *scales, float *relative_error)
#define VERSIONS(name)                                                                                                 \
    INLINE void kernel_linear_pack_##name##_body PARAMETERS {                                                          \
        pack(rows, row_count, depth, name##_weights, panel, scales, relative_error);                                   \
    }                                                                                                                  \
    KERNEL_VERSIONS(kernel_linear_pack_##name, PARAMETERS, (rows, row_count, depth, panel, scales, relative_error))

VERSIONS(float32)
VERSIONS(int24)
VERSIONS(float16)
VERSIONS(int8)
