#include "check.h"

// The parts of convolutions in float32: unfolding is exact, products are sums.

enum { COLUMNS = KERNEL_PANEL_COLUMNS };

static void im2row(context *c) {
    const ptrdiff_t channels = between(c, 1, 40), padding = between(c, 0, 2);
    kernel_window w = {.height = between(c, 3, 9), .width = between(c, 3, 9), .pixel_stride = channels + between(c, 0, 1) * 3,
                       .kernel_height = between(c, 1, 3), .kernel_width = between(c, 1, 3), .stride_height = between(c, 1, 2),
                       .stride_width = between(c, 1, 2), .padding_height = padding, .padding_width = padding};
    w.output_width = (w.width + 2 * padding - w.kernel_width) / w.stride_width + 1;
    const ptrdiff_t positions = ((w.height + 2 * padding - w.kernel_height) / w.stride_height + 1) * w.output_width;
    const ptrdiff_t first = between(c, 0, positions - 1), count = between(c, 1, positions - first);
    const ptrdiff_t run = w.kernel_height * w.kernel_width * channels;
    about(c, "%td channels, %td x %td, kernel %td x %td, padding %td, %td rows", channels, w.height, w.width, w.kernel_height,
          w.kernel_width, padding, count);
    float *image = floats(c, (w.height * w.width - 1) * w.pixel_stride + channels), *rows = outputs(c, count * run);
    float *expected = plain(c, sizeof(float) * (size_t)(count * run));
    for (ptrdiff_t i = 0; i < count * run; i++) {
        const ptrdiff_t position = first + i / run, k = i % run;
        const ptrdiff_t y = position / w.output_width * w.stride_height - padding + k / (w.kernel_width * channels);
        const ptrdiff_t x = position % w.output_width * w.stride_width - padding + k / channels % w.kernel_width;
        if (y >= 0 && y < w.height && x >= 0 && x < w.width) expected[i] = image[(y * w.width + x) * w.pixel_stride + k % channels];
    }
    CALL(c, kernel_im2row(image, channels, &w, first, count, rows));
    same_floats(c, rows, expected, count * run);
}

/// Space-to-depth moves values; outside the image is `outside`.
typedef struct {
    ptrdiff_t height, width, channels, pixel_stride, stride, padding_height, padding_width, first_row, rows, columns;
} blocks;

static blocks some_blocks(context *c) {
    const ptrdiff_t channels = between(c, 1, 9);
    const blocks b = {between(c, 1, 12), between(c, 1, 12), channels, channels + between(c, 0, 1) * 3, between(c, 1, 4), between(c, 0, 3),
                      between(c, 0, 3), between(c, 0, 2), between(c, 1, 4), between(c, 1, 5)};
    about(c, "%td x %td of %td channels, stride %td, padding %td and %td, rows %td..<%td, %td columns", b.height, b.width, b.channels, b.stride,
          b.padding_height, b.padding_width, b.first_row, b.first_row + b.rows, b.columns);
    return b;
}

/// Where an element of the result comes from; negative for outside.
static ptrdiff_t source(const blocks *b, ptrdiff_t i) {
    const ptrdiff_t channel = i % b->channels, block = i / b->channels;
    const ptrdiff_t inner_x = block % b->stride, inner_y = block / b->stride % b->stride, pixel = block / (b->stride * b->stride);
    const ptrdiff_t y = (b->first_row + pixel / b->columns) * b->stride - b->padding_height + inner_y;
    const ptrdiff_t x = pixel % b->columns * b->stride - b->padding_width + inner_x;
    return y < 0 || y >= b->height || x < 0 || x >= b->width ? -1 : (y * b->width + x) * b->pixel_stride + channel;
}

static void space_to_depth(context *c) {
    const blocks b = some_blocks(c);
    const ptrdiff_t count = b.rows * b.columns * b.stride * b.stride * b.channels;
    float *image = floats(c, (b.height * b.width - 1) * b.pixel_stride + b.channels), *output = outputs(c, count);
    float *expected = plain(c, sizeof(float) * (size_t)count);
    for (ptrdiff_t i = 0; i < count; i++) expected[i] = source(&b, i) < 0 ? 0 : image[source(&b, i)];
    CALL(c, kernel_space_to_depth(image, b.height, b.width, b.channels, b.pixel_stride, b.stride, b.padding_height, b.padding_width,
                                  b.first_row, b.rows, b.columns, output));
    same_floats(c, output, expected, count);
}

static void space_to_depth_bytes(context *c) {
    const blocks b = some_blocks(c);
    const ptrdiff_t count = b.rows * b.columns * b.stride * b.stride * b.channels;
    const uint8_t outside = (uint8_t)next_random(c);
    uint8_t *image = bytes(c, (b.height * b.width - 1) * b.pixel_stride + b.channels, 0), *output = bytes(c, count, 0);
    uint8_t *expected = plain(c, (size_t)count);
    for (ptrdiff_t i = 0; i < count; i++) expected[i] = source(&b, i) < 0 ? outside : image[source(&b, i)];
    CALL(c, kernel_space_to_depth_bytes(image, b.height, b.width, b.channels, b.pixel_stride, b.stride, b.padding_height, b.padding_width,
                                        outside, b.first_row, b.rows, b.columns, output));
    same(c, output, expected, (size_t)count, "elements");
}

static void pack_panels(context *c) {
    const ptrdiff_t rows = between(c, 1, 50), depth = between(c, 1, 60), count = (rows + COLUMNS - 1) / COLUMNS * COLUMNS * depth;
    about(c, "%td rows of %td", rows, depth);
    float *values = floats(c, rows * depth), *panels = outputs(c, count), *expected = plain(c, sizeof(float) * (size_t)count);
    for (ptrdiff_t i = 0; i < rows * depth; i++) {
        expected[i / depth / COLUMNS * COLUMNS * depth + i % depth * COLUMNS + i / depth % COLUMNS] = values[i];
    }
    CALL(c, kernel_pack_panels(values, rows, depth, panels));
    same_floats(c, panels, expected, count);
}

static void multiply_panels(context *c) {
    const ptrdiff_t rows = between(c, 1, 40), panel_count = between(c, 1, 6), depth = between(c, 1, 90);
    const ptrdiff_t left_stride = depth + between(c, 0, 5), columns = panel_count * COLUMNS, stride = columns + between(c, 0, 5);
    about(c, "%td rows, %td panels, depth %td", rows, panel_count, depth);
    float *left = floats(c, (rows - 1) * left_stride + depth), *right = floats(c, columns * depth);
    float *output = outputs(c, (rows - 1) * stride + columns);
    double *expected = plain(c, sizeof(double) * (size_t)columns), *bounds = plain(c, sizeof(double) * (size_t)columns);
    CALL(c, kernel_multiply_panels(left, left_stride, rows, right, panel_count, depth, output, stride));
    for (ptrdiff_t row = 0; row < rows; row++) {
        for (ptrdiff_t column = 0; column < columns; column++) {
            double sum = 0, magnitudes = 0;
            for (ptrdiff_t k = 0; k < depth; k++) {
                const double product = (double)left[row * left_stride + k]
                                       * (double)right[(column / COLUMNS * depth + k) * COLUMNS + column % COLUMNS];
                sum += product, magnitudes += fabs(product);
            }
            expected[column] = sum;
            bounds[column] = 0x1p-23 * (double)depth * magnitudes + 1e-40;
        }
        near(c, output + row * stride, expected, bounds, columns);
    }
    gaps_untouched(c, output, rows, 4 * columns, 4 * stride);
}

const check convolution_checks[] = {
    {"kernel_im2row", im2row}, {"kernel_space_to_depth", space_to_depth}, {"kernel_space_to_depth_bytes", space_to_depth_bytes},
    {"kernel_pack_panels", pack_panels}, {"kernel_multiply_panels", multiply_panels}, {NULL, NULL},
};
