#pragma once

// How integer sums become a layer's output: shared by all kernels that compute quantized layers, so that all give the same
// bits.

#include "byte_products.h"
#include "integer_tile.h"

typedef float float_lanes __attribute__((vector_size(COLUMNS * sizeof(float)), aligned(4)));

/// What the sums of a panel's columns are rescaled by.
typedef struct {
    sums offsets;
    float_lanes scales, bias;
} panel_rescaling;

INLINE panel_rescaling load_rescaling(const kernel_byte_rescaling *r, ptrdiff_t column) {
    panel_rescaling panel;
    memcpy(&panel.offsets, r->offsets + column, sizeof panel.offsets);
    memcpy(&panel.scales, r->scales + column, sizeof panel.scales);
    memcpy(&panel.bias, r->bias + column, sizeof panel.bias);
    return panel;
}

INLINE void rescale(const sums *values, const panel_rescaling *panel, float_lanes *output) {
#pragma clang fp contract(off)
    const float_lanes products = __builtin_convertvector(*values + panel->offsets, float_lanes) * panel->scales;
    *output = products + panel->bias;
}

typedef int32_t masks __attribute__((vector_size(COLUMNS * sizeof(int32_t))));
typedef uint8_t byte_lanes __attribute__((vector_size(COLUMNS), aligned(1)));

/// Quantizes values as ``kernel_quantize_bytes`` does.
INLINE byte_lanes quantized(const float_lanes *values, float inverse_scale, uint8_t zero_point) {
#pragma clang fp contract(off)
    const float_lanes least = (float_lanes){0} - (float)zero_point, most = (float_lanes){0} + (255 - (float)zero_point);
    float_lanes value = *values * inverse_scale;
    masks is_kept = value > least;
    value = (float_lanes)((is_kept & (masks)value) | (~is_kept & (masks)least));
    is_kept = value < most;
    value = (float_lanes)((is_kept & (masks)value) | (~is_kept & (masks)most));
    // Rounds to nearest, ties to even: the sum with 1.5·2²³ has no fraction bits.
    value = value + 0x1.8p23f;
    return __builtin_convertvector((sums)value - 0x4B400000 + zero_point, byte_lanes);
}

/// ReLU: where a value is negative, all bits are masked.
INLINE void rectify(float_lanes *values, bool relu) {
    const sums wanted = (sums){0} - relu;
    *values = (float_lanes)((sums)*values & ~((sums)(*values < 0) & wanted));
}

/// Writes up to sixteen values of the output.
INLINE void write_values(const kernel_byte_rescaling *r, const float_lanes *values, ptrdiff_t place, ptrdiff_t count,
                         bool to_bytes) {
    if (to_bytes) {
        const byte_lanes bytes = quantized(values, r->inverse_scale, r->zero_point);
        memcpy(r->bytes + place, &bytes, count >= COLUMNS ? COLUMNS : (size_t)count);
    } else {
        memcpy(r->output + place, values, count >= COLUMNS ? sizeof *values : (size_t)count * sizeof(float));
    }
}

INLINE void rescale_rows(const sums *values, const kernel_byte_rescaling *r, ptrdiff_t row, ptrdiff_t row_count,
                         ptrdiff_t column, ptrdiff_t count, bool to_bytes, bool adds) {
    const panel_rescaling panel = load_rescaling(r, column);
    for (ptrdiff_t i = 0; i < row_count; i++) {
        const ptrdiff_t place = (row + i) * r->output_stride + column;
        float_lanes output;
        rescale(values + i, &panel, &output);
        if (adds) {
            float_lanes addends = {0};
            memcpy(&addends, r->addends + place, count >= COLUMNS ? sizeof addends : (size_t)count * sizeof(float));
            output = output + addends;
        }
        rectify(&output, r->relu);
        write_values(r, &output, place, count, to_bytes);
    }
}

/// Rescales the sums of some rows in one panel and writes them.
INLINE void write_rescaled(const sums *values, const void *target, ptrdiff_t row, ptrdiff_t row_count, ptrdiff_t column) {
    // A copy, which the output cannot overlap.
    const kernel_byte_rescaling r = *(const kernel_byte_rescaling *)target;
    const ptrdiff_t rest = r.column_count - column;
    if (rest < COLUMNS) rescale_rows(values, &r, row, row_count, column, rest, r.bytes != NULL, r.addends != NULL);
    else if (r.addends) rescale_rows(values, &r, row, row_count, column, COLUMNS, r.bytes != NULL, true);
    else if (r.bytes) rescale_rows(values, &r, row, row_count, column, COLUMNS, true, false);
    else rescale_rows(values, &r, row, row_count, column, COLUMNS, false, false);
}
