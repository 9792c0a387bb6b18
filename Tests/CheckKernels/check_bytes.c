#include "check.h"

// Products of 8-bit and 16-bit integers, and quantization: every bit is defined.

enum { COLUMNS = KERNEL_BYTE_PANEL_COLUMNS, GROUP = KERNEL_BYTE_GROUP, SLACK = KERNEL_BYTE_SLACK };

static ptrdiff_t rounded_up(ptrdiff_t value, ptrdiff_t unit) { return (value + unit - 1) / unit * unit; }

static uint8_t quantized(float value, float inverse_scale, uint8_t zero_point) {
    const float scaled = value * inverse_scale;
    if (isnan(scaled)) return 0;
    const float sum = rintf(fminf(fmaxf(scaled, -(float)zero_point), 255 - (float)zero_point)) + (float)zero_point;
    return (uint8_t)sum;
}

static void quantize(context *c) {
    const ptrdiff_t count = between(c, 0, 200);
    const uint8_t zero_point = (uint8_t)between(c, 0, 255);
    const float inverse_scale = c->flavour == extreme ? 0x1p30f : 37.5f;
    about(c, "%td values, zero point %d", count, zero_point);
    float *values = floats(c, count);
    if (count > 3 && c->flavour == extreme) values[1] = NAN, values[2] = INFINITY;
    uint8_t *found = bytes(c, count, 0), *expected = plain(c, (size_t)count);
    for (ptrdiff_t i = 0; i < count; i++) expected[i] = quantized(values[i], inverse_scale, zero_point);
    CALL(c, kernel_quantize_bytes(values, count, inverse_scale, zero_point, found));
    same(c, found, expected, (size_t)count, "bytes");
}

static void quantize_rows(context *c) {
    const ptrdiff_t rows = between(c, 1, 9), columns = between(c, 1, 70), stride = columns + between(c, 0, 9);
    about(c, "%td rows of %td, %td apart", rows, columns, stride);
    float *values = floats(c, rows * columns);
    uint8_t *found = bytes(c, rows * stride, 0), *expected = plain(c, (size_t)(rows * stride));
    for (ptrdiff_t i = 0; i < rows * columns; i++) expected[i / columns * stride + i % columns] = quantized(values[i], 20, 128);
    CALL(c, kernel_quantize_byte_rows(values, rows, columns, 20, 128, found, stride));
    same(c, found, expected, (size_t)(rows * stride), "bytes");
}

static void im2row(context *c) {
    const ptrdiff_t channels = between(c, 1, 40), padding = between(c, 0, 2);
    kernel_window w = {.height = between(c, 3, 9), .width = between(c, 3, 9), .pixel_stride = channels + between(c, 0, 1) * 3,
                       .kernel_height = between(c, 1, 3), .kernel_width = between(c, 1, 3), .stride_height = between(c, 1, 2),
                       .stride_width = between(c, 1, 2), .padding_height = padding, .padding_width = padding};
    w.output_width = (w.width + 2 * padding - w.kernel_width) / w.stride_width + 1;
    const ptrdiff_t output_height = (w.height + 2 * padding - w.kernel_height) / w.stride_height + 1;
    const ptrdiff_t first = between(c, 0, output_height * w.output_width - 1);
    const ptrdiff_t count = between(c, 1, output_height * w.output_width - first);
    const ptrdiff_t run = w.kernel_height * w.kernel_width * channels, stride = run + between(c, 0, 7);
    about(c, "%td channels, %td x %td, kernel %td x %td, padding %td, %td rows", channels, w.height, w.width, w.kernel_height,
          w.kernel_width, padding, count);
    const ptrdiff_t image_count = (w.height * w.width - 1) * w.pixel_stride + channels;
    uint8_t *image = bytes(c, image_count, SLACK), *found = bytes(c, count * stride, SLACK);
    uint8_t *expected = plain(c, (size_t)(count * stride));
    for (ptrdiff_t i = 0; i < count; i++) {
        const ptrdiff_t top = (first + i) / w.output_width * w.stride_height - padding;
        const ptrdiff_t left = (first + i) % w.output_width * w.stride_width - padding;
        uint8_t *row = expected + i * stride;
        for (ptrdiff_t k = 0; k < run; k++) {
            const ptrdiff_t y = top + k / (w.kernel_width * channels), x = left + k / channels % w.kernel_width;
            const bool is_inside = y >= 0 && y < w.height && x >= 0 && x < w.width;
            row[k] = is_inside ? image[(y * w.width + x) * w.pixel_stride + k % channels] : 7;
        }
    }
    CALL(c, kernel_im2row_bytes(image, channels, &w, first, count, 7, found, stride));
    same(c, found, expected, (size_t)(count * stride), "rows");
}

/// Weights of `columns` outputs, packed by the definition.
static int8_t *packed(context *c, const int8_t *weights, ptrdiff_t columns, ptrdiff_t depth) {
    const ptrdiff_t padded = rounded_up(depth, KERNEL_BYTE_PANEL_DEPTH), count = rounded_up(columns, COLUMNS) * padded;
    int8_t *panels = guarded(c, (size_t)count, 1);
    memset(panels, 0, (size_t)count);
    for (ptrdiff_t column = 0; column < columns; column++) {
        for (ptrdiff_t k = 0; k < depth; k++) {
            panels[column / COLUMNS * COLUMNS * padded + (k / GROUP * COLUMNS + column % COLUMNS) * GROUP + k % GROUP] =
                weights[column * depth + k];
        }
    }
    return panels;
}

static float addend(const kernel_byte_addends *a, ptrdiff_t place) {
    if (a->values != NULL && a->scale == 0) return a->values[place];
    if (a->values == NULL && a->bytes == NULL) return 0;
    const uint8_t byte = a->bytes != NULL ? a->bytes[place] : quantized(a->values[place], a->inverse_scale, a->zero_point);
    return (float)(byte - a->zero_point) * a->scale;
}

static void rescale(const kernel_byte_rescaling *r, int32_t sum, ptrdiff_t row, ptrdiff_t column, float *output, uint8_t *bytes) {
    float value = (float)(int32_t)((uint32_t)sum + (uint32_t)r->offsets[column]);
    value = value * r->scales[column];
    value = value + r->bias[column];
    value = value + addend(&r->addends, row * r->output_stride + column);
    if (r->relu && value < 0) value = 0;
    if (output != NULL) output[row * r->output_stride + column] = value;
    if (bytes != NULL) bytes[row * r->output_stride + column] = quantized(value, r->inverse_scale, r->zero_point);
}

/// A rescaling of `columns` outputs, with or without addends, to floats or bytes.
static kernel_byte_rescaling rescaling(context *c, ptrdiff_t rows, ptrdiff_t columns) {
    const ptrdiff_t padded = rounded_up(columns, COLUMNS);
    int32_t *offsets = guarded(c, sizeof(int32_t) * (size_t)padded, sizeof(int32_t));
    float *scales = outputs(c, padded), *bias = outputs(c, padded);
    for (ptrdiff_t i = 0; i < padded; i++) {
        offsets[i] = (int32_t)between(c, -100000, 100000);
        scales[i] = 1e-4f * (float)between(c, 1, 100);
        bias[i] = 0.01f * (float)between(c, -500, 500);
    }
    kernel_byte_rescaling r = {.offsets = offsets, .scales = scales, .bias = bias, .relu = next_random(c) & 1,
                               .column_count = columns, .output_stride = columns + between(c, 0, 5), .inverse_scale = 3.7f,
                               .zero_point = (uint8_t)between(c, 0, 200)};
    const ptrdiff_t count = (rows - 1) * r.output_stride + columns;
    const int kind = (int)between(c, 0, 3);
    if (kind == 1 || kind == 2) r.addends.values = floats(c, count);
    if (kind == 3) r.addends.bytes = bytes(c, count, 0);
    if (kind > 1) {
        r.addends.scale = 0.3f;
        r.addends.inverse_scale = 1 / 0.3f;
        r.addends.zero_point = (uint8_t)between(c, 0, 255);
    }
    if (next_random(c) & 1) r.output = outputs(c, count);
    else r.bytes = guarded(c, (size_t)count, 1);
    return r;
}

/// Compares what a rescaling has written.
static void compare(context *c, const kernel_byte_rescaling *r, ptrdiff_t rows, const float *output, const uint8_t *bytes) {
    for (ptrdiff_t row = 0; row < rows; row++) {
        const ptrdiff_t start = row * r->output_stride;
        if (r->output != NULL) same_floats(c, r->output + start, output + start, r->column_count);
        else same(c, r->bytes + start, bytes + start, (size_t)r->column_count, "bytes of a row");
    }
    if (r->output != NULL) gaps_untouched(c, r->output, rows, 4 * r->column_count, 4 * r->output_stride);
    else gaps_untouched(c, r->bytes, rows, r->column_count, r->output_stride);
}

static void multiply(context *c) {
    const ptrdiff_t rows = between(c, 1, 40), columns = between(c, 1, 70), depth = 4 * between(c, 1, 60);
    const ptrdiff_t stride = depth + between(c, 0, 9);
    const kernel_byte_rescaling r = rescaling(c, rows, columns);
    about(c, "%td rows, %td columns, depth %td, addends %d %d, bytes %d", rows, columns, depth, r.addends.values != NULL,
          r.addends.bytes != NULL, r.bytes != NULL);
    uint8_t *left = bytes(c, (rows - 1) * stride + depth, SLACK);
    int8_t *weights = plain(c, (size_t)(columns * depth));
    for (ptrdiff_t i = 0; i < columns * depth; i++) {
        weights[i] = (int8_t)(c->flavour == ordinary ? between(c, -127, 127) : next_random(c) & 1 ? 127 : -127);
    }
    const int8_t *panels = packed(c, weights, columns, depth);
    const size_t count = (size_t)(rows * r.output_stride);
    float *output = plain(c, sizeof(float) * count);
    uint8_t *expected = plain(c, count);
    for (ptrdiff_t row = 0; row < rows; row++) {
        for (ptrdiff_t column = 0; column < columns; column++) {
            int32_t sum = 0;
            for (ptrdiff_t k = 0; k < depth; k++) sum += left[row * stride + k] * weights[column * depth + k];
            rescale(&r, sum, row, column, output, expected);
        }
    }
    CALL(c, kernel_multiply_bytes(left, stride, rows, panels, depth, &r));
    compare(c, &r, rows, output, expected);
}

static void pack(context *c) {
    const ptrdiff_t rows = between(c, 1, 40), depth = between(c, 1, 150), padded_rows = rounded_up(rows, COLUMNS);
    about(c, "%td rows of %td", rows, depth);
    float *values = floats(c, rows * depth);
    int8_t *numbers = plain(c, (size_t)(rows * depth));
    float *scales = outputs(c, padded_rows), *expected_scales = plain(c, sizeof(float) * (size_t)padded_rows);
    int32_t *sums = guarded(c, sizeof(int32_t) * (size_t)padded_rows, 4), *expected_sums = plain(c, 4 * (size_t)padded_rows);
    for (ptrdiff_t row = 0; row < rows; row++) {
        float largest = 0;
        for (ptrdiff_t k = 0; k < depth; k++) largest = fmaxf(largest, fabsf(values[row * depth + k]));
        expected_scales[row] = largest / 127;
        for (ptrdiff_t k = 0; k < depth && expected_scales[row] > 0; k++) {
            const float number = rintf(values[row * depth + k] / expected_scales[row]);
            numbers[row * depth + k] = (int8_t)fmaxf(-127, fminf(127, number));
            expected_sums[row] += numbers[row * depth + k];
        }
    }
    const int8_t *expected = packed(c, numbers, rows, depth);
    const size_t count = (size_t)(padded_rows * rounded_up(depth, KERNEL_BYTE_PANEL_DEPTH));
    int8_t *panels = guarded(c, count, 1);
    CALL(c, kernel_pack_bytes(values, rows, depth, panels, scales, sums));
    same(c, panels, expected, count, "panels");
    same_floats(c, scales, expected_scales, padded_rows);
    same(c, sums, expected_sums, 4 * (size_t)padded_rows, "sums");
}

static void multiply_int16(context *c) {
    const ptrdiff_t rows = between(c, 1, 30), panel_count = between(c, 1, 5), depth = 2 * between(c, 1, 70);
    const ptrdiff_t stride = depth + 2 * between(c, 0, 3), columns = panel_count * COLUMNS, output_stride = columns + between(c, 0, 9);
    about(c, "%td rows, %td panels, depth %td", rows, panel_count, depth);
    int16_t *left = guarded(c, 2 * (size_t)((rows - 1) * stride + depth), 2);
    int16_t *panels = guarded(c, 2 * (size_t)(columns * depth), 2);
    for (ptrdiff_t i = 0; i < (rows - 1) * stride + depth; i++) left[i] = (int16_t)(c->flavour == extreme ? -25500 : between(c, -25500, 25500));
    for (ptrdiff_t i = 0; i < columns * depth; i++) panels[i] = (int16_t)(c->flavour == extreme ? -18288 : between(c, -18288, 18288));
    const ptrdiff_t count = (rows - 1) * output_stride + columns;
    int32_t *found = guarded(c, 4 * (size_t)count, 4);
    uint32_t *expected = plain(c, 4 * (size_t)(rows * output_stride));
    for (ptrdiff_t row = 0; row < rows; row++) {
        for (ptrdiff_t column = 0; column < columns; column++) {
            uint32_t sum = 0;
            for (ptrdiff_t k = 0; k < depth; k++) {
                const int16_t weight = panels[column / COLUMNS * COLUMNS * depth + (k / 2 * COLUMNS + column % COLUMNS) * 2 + k % 2];
                sum += (uint32_t)(left[row * stride + k] * weight);
            }
            expected[row * output_stride + column] = sum;
        }
    }
    CALL(c, kernel_multiply_int16(left, stride, rows, panels, panel_count, depth, found, output_stride));
    for (ptrdiff_t row = 0; row < rows; row++) {
        same(c, found + row * output_stride, expected + row * output_stride, 4 * (size_t)columns, "sums of a row");
    }
    gaps_untouched(c, found, rows, 4 * columns, 4 * output_stride);
}

/// The three transforms with products between them are the convolution by its definition.
static void integer_winograd(context *c) {
    enum { PLACES = KERNEL_INTEGER_TILE_PLACES, OUT = KERNEL_INTEGER_TILE_OUTPUT };
    const ptrdiff_t channels = between(c, 1, 40), width = between(c, 1, 13), height = between(c, 1, 4), columns = between(c, 1, 16);
    const int rows_of_kernel = (int)between(c, 1, 3), columns_of_kernel = (int)between(c, 1, 3);
    const ptrdiff_t padding = between(c, 0, 1);
    const ptrdiff_t image_height = height + rows_of_kernel - 1 - 2 * padding, image_width = width + columns_of_kernel - 1 - 2 * padding;
    if (image_height < 1 || image_width < 1) return;
    about(c, "%td channels, %td x %td, kernel %d x %d, padding %td, %td outputs", channels, image_height, image_width,
          rows_of_kernel, columns_of_kernel, padding, columns);
    const ptrdiff_t depth = rounded_up(channels, 2), tile_columns = (width + OUT - 1) / OUT;
    uint8_t *image = bytes(c, image_height * image_width * channels, KERNEL_INTEGER_TILE_SLACK);
    uint8_t *outside = bytes(c, channels, KERNEL_INTEGER_TILE_SLACK);
    const uint8_t zero_point = (uint8_t)between(c, 0, 255);
    memset(outside, zero_point, (size_t)channels);
    const ptrdiff_t area = (ptrdiff_t)rows_of_kernel * columns_of_kernel, kernel_depth = area * channels;
    int8_t *weights = plain(c, (size_t)(columns * kernel_depth));
    for (ptrdiff_t i = 0; i < columns * kernel_depth; i++) {
        weights[i] = (int8_t)(c->flavour == ordinary ? between(c, -127, 127) : next_random(c) & 1 ? 127 : -127);
    }
    const int8_t *panel = packed(c, weights, columns, kernel_depth);

    ptrdiff_t places[PLACES], kernel_places[PLACES];
    for (int place = 0; place < PLACES; place++) {
        places[place] = place * tile_columns * depth;
        kernel_places[place] = place * depth * COLUMNS;
    }
    int16_t *tiles = guarded(c, 2 * (size_t)(PLACES * tile_columns * depth), 2);
    int16_t *kernels = guarded(c, 2 * (size_t)(PLACES * depth * COLUMNS), 2);
    memset(kernels, 0, 2 * (size_t)(PLACES * depth * COLUMNS));
    memset(tiles, 0, 2 * (size_t)(PLACES * tile_columns * depth));
    const kernel_integer_tiles t = {.height = image_height, .width = image_width, .pixel_stride = channels, .top = -padding,
                                    .left = -padding, .tile_columns = tile_columns};
    CALL(c, kernel_integer_winograd_input(image, &t, channels, outside, places, depth, tiles));
    CALL(c, kernel_integer_winograd_kernels(panel, channels, columns_of_kernel, 0, 0, rows_of_kernel, columns_of_kernel,
                                            kernel_places, kernels));
    int32_t *products = guarded(c, 4 * (size_t)(PLACES * tile_columns * COLUMNS), 4);
    for (ptrdiff_t i = 0; i < PLACES * tile_columns * COLUMNS; i++) {
        const ptrdiff_t place = i / (tile_columns * COLUMNS), tile = i / COLUMNS % tile_columns, column = i % COLUMNS;
        uint32_t sum = 0;
        for (ptrdiff_t k = 0; k < channels; k++) {
            sum += (uint32_t)(tiles[places[place] + tile * depth + k] * kernels[kernel_places[place] + (k / 2 * COLUMNS + column) * 2 + k % 2]);
        }
        products[i] = (int32_t)sum;
    }
    const kernel_byte_rescaling r = rescaling(c, height * width, columns);
    float *output = plain(c, sizeof(float) * (size_t)(height * width * r.output_stride));
    uint8_t *expected = plain(c, (size_t)(height * width * r.output_stride));
    for (ptrdiff_t pixel = 0; pixel < height * width; pixel++) {
        for (ptrdiff_t column = 0; column < columns; column++) {
            int32_t sum = 0;
            for (ptrdiff_t k = 0; k < kernel_depth; k++) {
                const ptrdiff_t y = pixel / width - padding + k / channels / columns_of_kernel;
                const ptrdiff_t x = pixel % width - padding + k / channels % columns_of_kernel;
                const bool is_inside = y >= 0 && y < image_height && x >= 0 && x < image_width;
                sum += (is_inside ? image[(y * image_width + x) * channels + k % channels] : zero_point) * weights[column * kernel_depth + k];
            }
            rescale(&r, sum, pixel, column, output, expected);
        }
    }
    CALL(c, kernel_integer_winograd_output(products, tile_columns * COLUMNS, COLUMNS, tile_columns, 0, height, width, width, &r));
    compare(c, &r, height * width, output, expected);
}

const check byte_checks[] = {
    {"kernel_quantize_bytes", quantize}, {"kernel_quantize_byte_rows", quantize_rows}, {"kernel_im2row_bytes", im2row},
    {"kernel_multiply_bytes", multiply}, {"kernel_pack_bytes", pack}, {"kernel_multiply_int16", multiply_int16},
    {"kernel_integer_winograd", integer_winograd}, {NULL, NULL},
};
