#include "check.h"

// Element-wise operations: every one is exact, or rounded once.

static float relu(float value, bool is_on) { return is_on && value < 0 ? 0 : value; }

static void bias_columns(context *c) {
    const ptrdiff_t rows = between(c, 1, 9), columns = between(c, 1, 70), stride = columns + between(c, 0, 5);
    const bool is_relu = next_random(c) & 1;
    about(c, "%td rows of %td, %td apart, relu %d", rows, columns, stride, is_relu);
    float *values = floats(c, (rows - 1) * stride + columns), *bias = floats(c, columns);
    float *expected = plain(c, sizeof(float) * (size_t)(rows * stride));
    memcpy(expected, values, sizeof(float) * (size_t)((rows - 1) * stride + columns));
    for (ptrdiff_t r = 0; r < rows; r++) {
        for (ptrdiff_t i = 0; i < columns; i++) expected[r * stride + i] = relu(values[r * stride + i] + bias[i], is_relu);
    }
    CALL(c, kernel_bias_columns(values, rows, columns, stride, bias, is_relu));
    same_floats(c, values, expected, (rows - 1) * stride + columns);
}

static void bias_columns_sum(context *c) {
    const ptrdiff_t rows = between(c, 1, 9), columns = between(c, 1, 70), stride = columns + between(c, 0, 5);
    const bool is_relu = next_random(c) & 1;
    about(c, "%td rows of %td, %td apart, relu %d", rows, columns, stride, is_relu);
    const ptrdiff_t count = (rows - 1) * stride + columns;
    float *values = floats(c, count), *bias = floats(c, columns), *addends = floats(c, count);
    float *expected = plain(c, sizeof(float) * (size_t)count);
    memcpy(expected, values, sizeof(float) * (size_t)count);
    for (ptrdiff_t r = 0; r < rows; r++) {
        for (ptrdiff_t i = 0; i < columns; i++) {
            const float sum = values[r * stride + i] + bias[i];
            expected[r * stride + i] = relu(sum + addends[r * stride + i], is_relu);
        }
    }
    CALL(c, kernel_bias_columns_sum(values, rows, columns, stride, bias, addends, is_relu));
    same_floats(c, values, expected, count);
}

static void relu_check(context *c) {
    const ptrdiff_t count = between(c, 0, 200);
    about(c, "%td values", count);
    float *input = floats(c, count), *output = outputs(c, count), *expected = plain(c, sizeof(float) * (size_t)count);
    if (count > 3) input[between(c, 0, count - 1)] = NAN;
    for (ptrdiff_t i = 0; i < count; i++) expected[i] = relu(input[i], true);
    CALL(c, kernel_relu(input, output, count));
    same_floats(c, output, expected, count);
}

static void transpose(context *c) {
    const ptrdiff_t rows = between(c, 1, 40), columns = between(c, 1, 40);
    about(c, "%td x %td", rows, columns);
    float *input = floats(c, rows * columns), *output = outputs(c, rows * columns);
    float *expected = plain(c, sizeof(float) * (size_t)(rows * columns));
    for (ptrdiff_t r = 0; r < rows; r++) {
        for (ptrdiff_t i = 0; i < columns; i++) expected[i * rows + r] = input[r * columns + i];
    }
    CALL(c, kernel_transpose(input, rows, columns, output));
    same_floats(c, output, expected, rows * columns);
}

static void transpose_bytes(context *c) {
    const ptrdiff_t rows = between(c, 1, 80), columns = between(c, 1, 80);
    about(c, "%td x %td", rows, columns);
    uint8_t *input = bytes(c, rows * columns, 0), *output = bytes(c, rows * columns, 0);
    uint8_t *expected = plain(c, (size_t)(rows * columns));
    for (ptrdiff_t r = 0; r < rows; r++) {
        for (ptrdiff_t i = 0; i < columns; i++) expected[i * rows + r] = input[r * columns + i];
    }
    CALL(c, kernel_transpose_bytes(input, rows, columns, output));
    same(c, output, expected, (size_t)(rows * columns), "elements");
}

static void add_pairs(context *c) {
    const ptrdiff_t count = between(c, 0, 200);
    const bool is_relu = next_random(c) & 1;
    const int alias = (int)between(c, 0, 2);
    about(c, "%td values, relu %d, alias %d", count, is_relu, alias);
    float *left = floats(c, count), *right = floats(c, count);
    float *output = alias == 0 ? outputs(c, count) : alias == 1 ? left : right;
    float *expected = plain(c, sizeof(float) * (size_t)count);
    for (ptrdiff_t i = 0; i < count; i++) expected[i] = relu(left[i] + right[i], is_relu);
    CALL(c, kernel_add_pairs(left, right, output, count, is_relu));
    same_floats(c, output, expected, count);
}

static void scale_columns(context *c) {
    const ptrdiff_t rows = between(c, 1, 9), columns = between(c, 1, 70), count = rows * columns;
    const bool is_relu = next_random(c) & 1;
    about(c, "%td rows of %td, relu %d", rows, columns, is_relu);
    float *input = floats(c, count), *scales = floats(c, columns), *shifts = floats(c, columns), *output = outputs(c, count);
    double *expected = plain(c, sizeof(double) * (size_t)count), *bounds = plain(c, sizeof(double) * (size_t)count);
    for (ptrdiff_t i = 0; i < count; i++) {
        const double product = (double)input[i] * (double)scales[i % columns], shift = (double)shifts[i % columns];
        expected[i] = is_relu && product + shift < 0 ? 0 : product + shift;
        bounds[i] = 0x1p-22 * (fabs(product) + fabs(shift)) + 1e-44;
    }
    CALL(c, kernel_scale_columns(input, rows, columns, scales, shifts, is_relu, output));
    near(c, output, expected, bounds, count);
}

const check elementwise_checks[] = {
    {"kernel_bias_columns", bias_columns}, {"kernel_bias_columns_sum", bias_columns_sum}, {"kernel_relu", relu_check},
    {"kernel_transpose", transpose}, {"kernel_transpose_bytes", transpose_bytes}, {"kernel_add_pairs", add_pairs},
    {"kernel_scale_columns", scale_columns}, {NULL, NULL},
};
