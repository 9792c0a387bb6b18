#include "check.h"

// Linear layers: each packing against its definition, and the products with what was packed.

enum { outputs_of_panel = KERNEL_LINEAR_OUTPUTS };

typedef enum { as_float32, as_int24, as_float16, as_int8 } number_format;

static const size_t number_bytes[] = {4, 3, 2, 1};

static double half_value(uint16_t bits) {
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    const double magnitude = exponent == 0 ? ldexp(fraction, -24) : ldexp(1024 + fraction, exponent - 25);
    return bits & 0x8000 ? -magnitude : magnitude;
}

/// The number of an input and an output in a panel.
static double number(const uint8_t *panel, number_format format, ptrdiff_t k, ptrdiff_t output) {
    const uint8_t *row = panel + (size_t)k * outputs_of_panel * number_bytes[format];
    float value;
    int16_t upper;
    uint16_t half;
    switch (format) {
    case as_float32: memcpy(&value, row + 4 * output, 4); return (double)value;
    case as_int24: memcpy(&upper, row + 2 * output, 2); return upper * 256.0 + row[2 * outputs_of_panel + output];
    case as_float16: memcpy(&half, row + 2 * output, 2); return half_value(half);
    default: return (int8_t)row[output];
    }
}

/// How far a packed number may be from the value, and whether the scale is what the format says.
static double packing_error(number_format format, double value, double scale) {
    switch (format) {
    case as_float32: return 0;
    case as_int24: return scale / 2;
    case as_float16: return fabs(value) * 0x1p-11 + scale * 0x1p-25;
    // A few are rounded the other way.
    default: return scale;
    }
}

static void pack_rows(number_format format, const float *rows, ptrdiff_t row_count, ptrdiff_t depth, void *panel, float *scales,
                      float *error) {
    switch (format) {
    case as_float32: kernel_linear_pack_float32(rows, row_count, depth, panel, scales, error); break;
    case as_int24: kernel_linear_pack_int24(rows, row_count, depth, panel, scales, error); break;
    case as_float16: kernel_linear_pack_float16(rows, row_count, depth, panel, scales, error); break;
    case as_int8: kernel_linear_pack_int8(rows, row_count, depth, panel, scales, error); break;
    }
}

/// The largest relative error of a slice.
static double largest_error(number_format format, const float *rows, ptrdiff_t row_count, ptrdiff_t depth, const uint8_t *panel,
                            const float *scales) {
    double largest = 0;
    for (ptrdiff_t row = 0; row < row_count; row++) {
        double errors[16] = {0}, squares[16] = {0};
        for (ptrdiff_t k = 0; k < depth; k++) {
            const double value = (double)rows[row * depth + k], error = value - number(panel, format, k, row) * (double)scales[row];
            errors[k % 16] += error * error;
            squares[k % 16] += value * value;
        }
        for (int slice = 0; slice < 16; slice++) {
            if (squares[slice] > 0) largest = fmax(largest, sqrt(errors[slice] / squares[slice]));
        }
    }
    return largest;
}

static void pack(context *c, number_format format) {
    const ptrdiff_t row_count = between(c, 1, outputs_of_panel), depth = between(c, 1, 90);
    about(c, "%td rows of %td", row_count, depth);
    float *rows = floats(c, row_count * depth), *scales = outputs(c, outputs_of_panel), *error = outputs(c, 1);
    for (ptrdiff_t i = 0; i < row_count * depth; i++) rows[i] = modest(c);
    if (c->flavour == extreme) memset(rows, 0, sizeof(float) * (size_t)depth);
    const size_t byte_count = (size_t)depth * outputs_of_panel * number_bytes[format];
    uint8_t *panel = guarded(c, byte_count, number_bytes[format]);
    CALL(c, pack_rows(format, rows, row_count, depth, panel, scales, error));
    if (c->is_timing) return;
    const ptrdiff_t count = depth * outputs_of_panel;
    float *found = plain(c, sizeof(float) * (size_t)count);
    double *expected = plain(c, sizeof(double) * (size_t)count), *bounds = plain(c, sizeof(double) * (size_t)count);
    for (ptrdiff_t k = 0; k < depth; k++) {
        for (ptrdiff_t output = 0; output < outputs_of_panel; output++) {
            const ptrdiff_t i = k * outputs_of_panel + output;
            const bool is_row = output < row_count;
            const double value = is_row ? (double)rows[output * depth + k] : 0, scale = is_row ? (double)scales[output] : 1;
            found[i] = (float)(number(panel, format, k, output) * scale);
            expected[i] = value;
            bounds[i] = packing_error(format, value, scale) * (1 + 1e-6) + fabs(value) * 0x1p-23;
        }
    }
    near(c, found, expected, bounds, count);
    const double largest = largest_error(format, rows, row_count, depth, panel, scales), bound = 1e-3 * largest + 1e-7;
    near(c, error, &largest, &bound, 1);
}

static void multiply(context *c, number_format format) {
    const ptrdiff_t output_count = between(c, 1, outputs_of_panel), depth = between(c, 1, 120), images = between(c, 1, 12);
    const ptrdiff_t input_stride = depth + between(c, 0, 5), output_stride = output_count + between(c, 0, 5);
    const bool is_relu = next_random(c) & 1;
    about(c, "%td outputs of %td inputs, %td images, relu %d", output_count, depth, images, is_relu);
    float *rows = plain(c, sizeof(float) * (size_t)(output_count * depth)), *scales = floats(c, outputs_of_panel), error;
    for (ptrdiff_t i = 0; i < output_count * depth; i++) rows[i] = modest(c);
    uint8_t *panel = guarded(c, (size_t)depth * outputs_of_panel * number_bytes[format], number_bytes[format]);
    pack_rows(format, rows, output_count, depth, panel, scales, &error);
    float *input = floats(c, (images - 1) * input_stride + depth), *bias = floats(c, output_count);
    for (ptrdiff_t i = 0; i < (images - 1) * input_stride + depth; i++) input[i] = modest(c);
    for (ptrdiff_t i = 0; i < output_count; i++) bias[i] = modest(c);
    float *output = outputs(c, (images - 1) * output_stride + output_count), *sums = outputs(c, outputs_of_panel * images);
    const kernel_linear layer = {depth, input, input_stride, images, output_count, bias, is_relu, between(c, 0, 1) * 4096, output, output_stride};
    switch (format) {
    case as_float32: CALL(c, kernel_linear_float32(panel, scales, &layer, sums)); break;
    case as_int24: CALL(c, kernel_linear_int24(panel, scales, &layer, sums)); break;
    case as_float16: CALL(c, kernel_linear_float16(panel, scales, &layer, sums)); break;
    case as_int8: CALL(c, kernel_linear_int8(panel, scales, &layer, sums)); break;
    }
    if (c->is_timing) return;
    gaps_untouched(c, output, images, output_count * (ptrdiff_t)sizeof(float), output_stride * (ptrdiff_t)sizeof(float));
    double expected[outputs_of_panel], bounds[outputs_of_panel];
    for (ptrdiff_t image = 0; image < images; image++) {
        for (ptrdiff_t i = 0; i < output_count; i++) {
            double sum = (double)bias[i], magnitude = fabs(sum);
            for (ptrdiff_t k = 0; k < depth; k++) {
                const double product = (double)input[image * input_stride + k] * number(panel, format, k, i) * (double)scales[i];
                sum += product;
                magnitude += fabs(product);
            }
            expected[i] = is_relu && sum < 0 ? 0 : sum;
            bounds[i] = (double)(depth + 8) * 0x1p-24 * magnitude;
        }
        near(c, output + image * output_stride, expected, bounds, output_count);
    }
}

static void pack_float32(context *c) { pack(c, as_float32); }
static void pack_int24(context *c) { pack(c, as_int24); }
static void pack_float16(context *c) { pack(c, as_float16); }
static void pack_int8(context *c) { pack(c, as_int8); }
static void multiply_float32(context *c) { multiply(c, as_float32); }
static void multiply_int24(context *c) { multiply(c, as_int24); }
static void multiply_float16(context *c) { multiply(c, as_float16); }
static void multiply_int8(context *c) { multiply(c, as_int8); }

const check linear_checks[] = {
    {"kernel_linear_pack_float32", pack_float32}, {"kernel_linear_pack_int24", pack_int24},
    {"kernel_linear_pack_float16", pack_float16}, {"kernel_linear_pack_int8", pack_int8},
    {"kernel_linear_float32", multiply_float32}, {"kernel_linear_int24", multiply_int24},
    {"kernel_linear_float16", multiply_float16}, {"kernel_linear_int8", multiply_int8}, {NULL, NULL},
};
