#pragma once

// What the Winograd transforms share: vectors of channels, and the interpolation points.

#include <string.h>

#include "multiversion.h"

enum { LANES = 16, MOST = 8 };

/// Sixteen channels of one element of a tile.
typedef float lanes __attribute__((vector_size(LANES * sizeof(float)), aligned(4)));

INLINE int pair_count(int extent) { return (extent - 1) / 2; }
INLINE int has_zero(int extent) { return extent % 2 == 0; }
INLINE float point(int pair) { return pair == 0 ? 1 : pair == 1 ? 2 : 0.5f; }

INLINE float power(float base, int exponent) {
    float result = 1;
    UNROLL
    for (int i = 0; i < exponent; i++) result *= base;
    return result;
}

/// Loads up to sixteen values; the rest of the vector is zero.
INLINE void load(lanes *target, const float *values, ptrdiff_t count) {
    if (count >= LANES) {
        memcpy(target, values, sizeof(lanes));
    } else {
        *target = (lanes){0};
        memcpy(target, values, (size_t)count * sizeof(float));
    }
}

/// Applies a macro to the input and output extents of all tiles in ``WinogradTile``.
#define WINOGRAD_TILES(CASE)                                                                                           \
    CASE(4, 2) CASE(6, 4) CASE(6, 2) CASE(6, 3) CASE(7, 5) CASE(7, 4) CASE(7, 3) CASE(8, 6) CASE(8, 5) CASE(8, 4)
