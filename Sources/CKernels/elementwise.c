// Element-wise kernels: bias, ReLU, sums, per-channel scale and shift, and matrix transposition.

#include "elementwise.h"

#include "multiversion.h"

INLINE void kernel_bias_columns_body(float *rows, ptrdiff_t row_count, ptrdiff_t column_count, ptrdiff_t row_stride,
                         const float *bias, bool relu) {
    for (ptrdiff_t r = 0; r < row_count; r++, rows += row_stride) {
        for (ptrdiff_t i = 0; i < column_count; i++) {
            const float value = rows[i] + bias[i];
            rows[i] = relu && value < 0 ? 0 : value;
        }
    }
}

KERNEL_VERSIONS(kernel_bias_columns,
                (float *rows, ptrdiff_t row_count, ptrdiff_t column_count, ptrdiff_t row_stride, const float *bias, bool relu),
                (rows, row_count, column_count, row_stride, bias, relu))

INLINE void kernel_bias_columns_sum_body(float *rows, ptrdiff_t row_count, ptrdiff_t column_count,
                                         ptrdiff_t row_stride, const float *bias, const float *addends, bool relu) {
    for (ptrdiff_t r = 0; r < row_count; r++, rows += row_stride, addends += row_stride) {
        for (ptrdiff_t i = 0; i < column_count; i++) {
            const float value = rows[i] + bias[i] + addends[i];
            rows[i] = relu && value < 0 ? 0 : value;
        }
    }
}

KERNEL_VERSIONS(kernel_bias_columns_sum,
                (float *rows, ptrdiff_t row_count, ptrdiff_t column_count, ptrdiff_t row_stride, const float *bias,
                 const float *addends, bool relu),
                (rows, row_count, column_count, row_stride, bias, addends, relu))

INLINE void kernel_relu_body(const float *input, float *output, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) output[i] = input[i] < 0 ? 0 : input[i];
}

KERNEL_VERSIONS(kernel_relu, (const float *input, float *output, ptrdiff_t count), (input, output, count))

INLINE void kernel_transpose_body(const float *input, ptrdiff_t row_count, ptrdiff_t column_count, float *output) {
    // Sixteen rows at a time: their sixteen values of one column fill one cache line of the output.
    for (ptrdiff_t first = 0; first < row_count; first += 16) {
        const ptrdiff_t end = first + 16 < row_count ? first + 16 : row_count;
        for (ptrdiff_t column = 0; column < column_count; column++) {
            for (ptrdiff_t row = first; row < end; row++) {
                output[column * row_count + row] = input[row * column_count + column];
            }
        }
    }
}

KERNEL_VERSIONS(kernel_transpose, (const float *input, ptrdiff_t row_count, ptrdiff_t column_count, float *output),
                (input, row_count, column_count, output))

void kernel_transpose_bytes(const uint8_t *input, ptrdiff_t row_count, ptrdiff_t column_count, uint8_t *output) {
    for (ptrdiff_t column = 0; column < column_count; column++) {
        for (ptrdiff_t row = 0; row < row_count; row++) {
            output[column * row_count + row] = input[row * column_count + column];
        }
    }
}

INLINE void kernel_add_pairs_body(const float *left, const float *right, float *output, ptrdiff_t count, bool relu) {
    for (ptrdiff_t i = 0; i < count; i++) {
        const float value = left[i] + right[i];
        output[i] = relu && value < 0 ? 0 : value;
    }
}

KERNEL_VERSIONS(kernel_add_pairs,
                (const float *left, const float *right, float *output, ptrdiff_t count, bool relu),
                (left, right, output, count, relu))

INLINE void kernel_scale_columns_body(const float *rows, ptrdiff_t row_count, ptrdiff_t column_count,
                                      const float *scales, const float *shifts, bool relu, float *output) {
    for (ptrdiff_t r = 0; r < row_count; r++, rows += column_count, output += column_count) {
        for (ptrdiff_t i = 0; i < column_count; i++) {
            const float value = rows[i] * scales[i] + shifts[i];
            output[i] = relu && value < 0 ? 0 : value;
        }
    }
}

KERNEL_VERSIONS(kernel_scale_columns,
                (const float *rows, ptrdiff_t row_count, ptrdiff_t column_count, const float *scales,
                 const float *shifts, bool relu, float *output),
                (rows, row_count, column_count, scales, shifts, relu, output))
