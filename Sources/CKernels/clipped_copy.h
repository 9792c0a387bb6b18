#pragma once

#include <stddef.h>
#include <string.h>

#include "multiversion.h"

/// Copies `count` floats from index `first` of a row of `length`; indices outside the row give zeros (zero padding).
INLINE void copy_clipped(const float *row, ptrdiff_t first, ptrdiff_t count, ptrdiff_t length, float *output) {
    ptrdiff_t before = first < 0 ? -first : 0;
    if (before > count) before = count;
    ptrdiff_t inside = (count < length - first ? count : length - first) - before;
    if (inside < 0) inside = 0;
    memset(output, 0, (size_t)before * sizeof(float));
    memcpy(output + before, row + first + before, (size_t)inside * sizeof(float));
    memset(output + before + inside, 0, (size_t)(count - before - inside) * sizeof(float));
}
