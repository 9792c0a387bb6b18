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

/// Quantizes values as ``kernel_quantize_bytes`` does, with `least` in place of the lower bound: minus the zero point, or 0 to
/// apply a ReLU as well. Units of `least`: steps of the quantization.
INLINE byte_lanes quantized(const float_lanes *values, float least, float inverse_scale, uint8_t zero_point) {
#pragma clang fp contract(off)
    const float_lanes lowest = (float_lanes){0} + least, highest = (float_lanes){0} + (255 - (float)zero_point);
    float_lanes value = *values * inverse_scale;
    masks is_kept = value > lowest;
    value = (float_lanes)((is_kept & (masks)value) | (~is_kept & (masks)lowest));
    is_kept = value < highest;
    value = (float_lanes)((is_kept & (masks)value) | (~is_kept & (masks)highest));
    // Rounds to nearest, ties to even: the sum with 1.5·2²³ has no fraction bits, and its last byte is that of the integer.
    value = value + 0x1.8p23f;
    return __builtin_convertvector((sums)value + zero_point, byte_lanes);
}

/// ReLU: where a value is negative, all bits are masked.
INLINE void rectify(float_lanes *values, bool relu) {
    const sums wanted = (sums){0} - relu;
    *values = (float_lanes)((sums)*values & ~((sums)(*values < 0) & wanted));
}

/// Writes up to sixteen values of the output. In bytes, their ReLU is applied here.
INLINE void write_values(const kernel_byte_rescaling *r, const float_lanes *values, ptrdiff_t place, ptrdiff_t count,
                         bool to_bytes) {
    if (to_bytes) {
        const byte_lanes bytes =
            quantized(values, r->relu ? 0 : -(float)r->zero_point, r->inverse_scale, r->zero_point);
        memcpy(r->bytes + place, &bytes, count >= COLUMNS ? COLUMNS : (size_t)count);
    } else {
        memcpy(r->output + place, values, count >= COLUMNS ? sizeof *values : (size_t)count * sizeof(float));
    }
}

/// What is added to the output.
enum { ADDS_NOTHING, ADDS_VALUES, ADDS_BYTES };

INLINE int kind_of_addends(const kernel_byte_addends *addends) {
    return addends->bytes ? ADDS_BYTES : addends->values ? ADDS_VALUES : ADDS_NOTHING;
}

/// The values that bytes stand for.
INLINE void restore(const byte_lanes *bytes, const kernel_byte_addends *addends, float_lanes *values) {
#pragma clang fp contract(off)
    *values = __builtin_convertvector(__builtin_convertvector(*bytes, sums) - addends->zero_point, float_lanes) *
              addends->scale;
}

/// Adds up to sixteen addends. `kind` is a constant once this is inlined.
INLINE void add_addends(const kernel_byte_addends *addends, float_lanes *output, ptrdiff_t place, ptrdiff_t count,
                        int kind) {
    if (kind == ADDS_NOTHING) return;
    float_lanes values = {0};
    byte_lanes bytes = {0};
    if (kind == ADDS_BYTES) {
        memcpy(&bytes, addends->bytes + place, count >= COLUMNS ? COLUMNS : (size_t)count);
        restore(&bytes, addends, &values);
    } else {
        memcpy(&values, addends->values + place, count >= COLUMNS ? sizeof values : (size_t)count * sizeof(float));
        if (addends->scale != 0) {
            bytes = quantized(&values, -(float)addends->zero_point, addends->inverse_scale, addends->zero_point);
            restore(&bytes, addends, &values);
        }
    }
    *output = *output + values;
}

INLINE void rescale_rows(const sums *values, const kernel_byte_rescaling *r, ptrdiff_t row, ptrdiff_t row_count,
                         ptrdiff_t column, ptrdiff_t count, bool to_bytes, int addends) {
    const panel_rescaling panel = load_rescaling(r, column);
    for (ptrdiff_t i = 0; i < row_count; i++) {
        const ptrdiff_t place = (row + i) * r->output_stride + column;
        float_lanes output;
        rescale(values + i, &panel, &output);
        add_addends(&r->addends, &output, place, count, addends);
        if (!to_bytes) rectify(&output, r->relu);
        write_values(r, &output, place, count, to_bytes);
    }
}

/// Rescales the sums of some rows in one panel and writes them.
INLINE void write_rescaled(const sums *values, const void *target, ptrdiff_t row, ptrdiff_t row_count, ptrdiff_t column) {
    // A copy, which the output cannot overlap.
    kernel_byte_rescaling r = *(const kernel_byte_rescaling *)target;
    const ptrdiff_t rest = r.column_count - column;
    const int addends = kind_of_addends(&r.addends);
    const bool is_plain = r.bytes && r.zero_point == 0 && r.addends.zero_point == 0;
    // Constants for what is most frequent, after a ReLU.
    if (is_plain) r.zero_point = r.addends.zero_point = 0;
    if (rest < COLUMNS) rescale_rows(values, &r, row, row_count, column, rest, r.bytes != NULL, addends);
    else if (is_plain && addends == ADDS_NOTHING) {
        rescale_rows(values, &r, row, row_count, column, COLUMNS, true, ADDS_NOTHING);
    } else if (is_plain && addends == ADDS_BYTES) {
        rescale_rows(values, &r, row, row_count, column, COLUMNS, true, ADDS_BYTES);
    } else if (addends == ADDS_NOTHING && r.bytes) {
        rescale_rows(values, &r, row, row_count, column, COLUMNS, true, ADDS_NOTHING);
    } else if (addends == ADDS_NOTHING) {
        rescale_rows(values, &r, row, row_count, column, COLUMNS, false, ADDS_NOTHING);
    } else {
        rescale_rows(values, &r, row, row_count, column, COLUMNS, r.bytes != NULL, addends);
    }
}
