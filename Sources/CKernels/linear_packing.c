#include <string.h>

#include "linear.h"
#include "multiversion.h"

// Linear layers' weights on their way into panels, once at load.

enum {
    OUTPUTS = KERNEL_LINEAR_OUTPUTS,
    /// Weights of each row that are turned at once: a cache line of them.
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

/// Rounds a value of at most 65504 to nearest, ties to even. Without branches, so that it vectorises on any processor.
/// Source: IEEE 754-2019, §3.4.
INLINE uint16_t float16_of(float value) {
    const uint32_t magnitude = bits_of(value) & 0x7FFFFFFF;
    // Half of the last place that is kept, or just less where that place is even; then the bias, 15 instead of 127.
    const uint32_t normal = ((magnitude + 0xFFF + (magnitude >> 13 & 1)) >> 13) - (112 << 10);
    // Below 2⁻¹⁴ the unit is 2⁻²⁴, which is the last place of a float32 between a half and one.
    const uint32_t subnormal = bits_of(float_of(magnitude) + 0.5f) - bits_of(0.5f);
    return (uint16_t)((magnitude < 113u << 23 ? subnormal : normal) | (bits_of(value) >> 16 & 0x8000));
}

/// Rounds a value of at most 2²² to nearest, ties to even.
INLINE int8_t int8_of(float value) { return (int8_t)(int32_t)((value + 0x1.8p23f) - 0x1.8p23f); }

INLINE float largest(const float *row, ptrdiff_t depth) {
    uint32_t most = 0;
    for (ptrdiff_t k = 0; k < depth; k++) {
        // Absolute values are in the order of their bits.
        const uint32_t magnitude = bits_of(row[k]) & 0x7FFFFFFF;
        most = magnitude > most ? magnitude : most;
    }
    return float_of(most);
}

/// The power of two by which a row with this largest value is multiplied before it becomes float16.
INLINE float float16_factor(float most) {
    if (most == 0 || (most >= 0x1p15f && most <= 65504)) return 1;
    // From 2ᵉ up to 2ᵉ⁺¹; what is smaller than any normal number counts as the smallest.
    const int exponent = most < 0x1p-126f ? -126 : (int)(bits_of(most) >> 23) - 127;
    const int power = 14 - exponent;
    return float_of((uint32_t)((power < 126 ? power : 126) + 127) << 23);
}

INLINE void kernel_linear_pack_float16_body(const float *rows, ptrdiff_t row_count, ptrdiff_t depth, uint16_t *panel,
                                            float *scales) {
    float factors[OUTPUTS];
    for (ptrdiff_t row = 0; row < OUTPUTS; row++) {
        factors[row] = row < row_count ? float16_factor(largest(rows + row * depth, depth)) : 0;
        scales[row] = row < row_count ? 1 / factors[row] : 0;
    }
    for (ptrdiff_t first = 0; first < depth; first += TILE) {
        const ptrdiff_t count = depth - first < TILE ? depth - first : TILE;
        uint16_t tile[OUTPUTS][TILE] = {0};
        for (ptrdiff_t row = 0; row < row_count; row++) {
            for (ptrdiff_t k = 0; k < count; k++) {
                tile[row][k] = float16_of(rows[row * depth + first + k] * factors[row]);
            }
        }
        for (ptrdiff_t k = 0; k < count; k++) {
            for (ptrdiff_t row = 0; row < OUTPUTS; row++) panel[(first + k) * OUTPUTS + row] = tile[row][k];
        }
    }
}

KERNEL_VERSIONS(kernel_linear_pack_float16,
                (const float *rows, ptrdiff_t row_count, ptrdiff_t depth, uint16_t *panel, float *scales),
                (rows, row_count, depth, panel, scales))

INLINE void kernel_linear_pack_int8_body(const float *rows, ptrdiff_t row_count, ptrdiff_t depth, int8_t *panel,
                                         float *scales) {
    for (ptrdiff_t row = 0; row < OUTPUTS; row++) {
        const float scale = row < row_count ? largest(rows + row * depth, depth) / 127 : 0;
        // Below the normal numbers a quotient would not be what it seems; such an output is its bias.
        scales[row] = scale < 0x1p-126f ? 0 : scale;
    }
    for (ptrdiff_t first = 0; first < depth; first += TILE) {
        const ptrdiff_t count = depth - first < TILE ? depth - first : TILE;
        int8_t tile[OUTPUTS][TILE] = {0};
        for (ptrdiff_t row = 0; row < row_count; row++) {
            if (scales[row] == 0) continue;
            for (ptrdiff_t k = 0; k < count; k++) {
                tile[row][k] = int8_of(rows[row * depth + first + k] / scales[row]);
            }
        }
        for (ptrdiff_t k = 0; k < count; k++) {
            for (ptrdiff_t row = 0; row < OUTPUTS; row++) panel[(first + k) * OUTPUTS + row] = tile[row][k];
        }
    }
}

KERNEL_VERSIONS(kernel_linear_pack_int8,
                (const float *rows, ptrdiff_t row_count, ptrdiff_t depth, int8_t *panel, float *scales),
                (rows, row_count, depth, panel, scales))
