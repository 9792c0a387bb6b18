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

/// ReLU: where a value is negative, all bits are masked.
INLINE void rectify(float_lanes *values) {
    *values = (float_lanes)((sums)*values & ~(sums)(*values < 0));
}

/// Rescales the sums of one row in one panel and writes them.
INLINE void write_rescaled(const sums *values, const void *target, ptrdiff_t row, ptrdiff_t column) {
    const kernel_byte_rescaling *r = target;
    const panel_rescaling panel = load_rescaling(r, column);
    float_lanes output;
    rescale(values, &panel, &output);
    const ptrdiff_t place = row * r->output_stride + column;
    const ptrdiff_t rest = r->column_count - column;
    const size_t byte_count = (size_t)(rest < COLUMNS ? rest : COLUMNS) * sizeof(float);
    if (r->addends) {
        float_lanes addends = {0};
        if (rest >= COLUMNS) memcpy(&addends, r->addends + place, sizeof addends);
        else memcpy(&addends, r->addends + place, byte_count);
        output = output + addends;
    }
    if (r->relu) rectify(&output);
    if (rest >= COLUMNS) memcpy(r->output + place, &output, sizeof output);
    else memcpy(r->output + place, &output, byte_count);
}
