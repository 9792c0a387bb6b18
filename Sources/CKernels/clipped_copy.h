#pragma once

// A row copy with zero padding, shared by im2row and space-to-depth.

#include <stddef.h>
#include <string.h>

#include "multiversion.h"

/// Copies `count` floats of a row of `length` floats, starting at index `first`. Indices outside the row read as zero.
INLINE void copy_clipped(const float *row, ptrdiff_t first, ptrdiff_t count, ptrdiff_t length, float *output) {
    ptrdiff_t before = first < 0 ? -first : 0;
    if (before > count) before = count;
    ptrdiff_t inside = (count < length - first ? count : length - first) - before;
    if (inside < 0) inside = 0;
    memset(output, 0, (size_t)before * sizeof(float));
    memcpy(output + before, row + first + before, (size_t)inside * sizeof(float));
    memset(output + before + inside, 0, (size_t)(count - before - inside) * sizeof(float));
}
