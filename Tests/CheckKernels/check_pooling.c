#include "check.h"

// Pooling: maxima are exact, means are sums of few values.

static kernel_window window(context *c, ptrdiff_t channels, ptrdiff_t *output_height) {
    const ptrdiff_t padding = between(c, 0, 1);
    kernel_window w = {.height = between(c, 3, 9), .width = between(c, 3, 9), .pixel_stride = channels, .kernel_height = between(c, 2, 3),
                       .kernel_width = between(c, 2, 3), .stride_height = between(c, 1, 3), .stride_width = between(c, 1, 3),
                       .padding_height = padding, .padding_width = padding};
    w.output_width = (w.width + 2 * padding - w.kernel_width) / w.stride_width + 1;
    *output_height = (w.height + 2 * padding - w.kernel_height) / w.stride_height + 1;
    about(c, "%td channels, %td x %td, kernel %td x %td, stride %td x %td, padding %td", channels, w.height, w.width,
          w.kernel_height, w.kernel_width, w.stride_height, w.stride_width, padding);
    return w;
}

/// Calls `visit` with each pixel of the image that a window covers.
#define FOR_PIXELS(w, position, y, x)                                                                                  \
    for (ptrdiff_t y = (position) / (w).output_width * (w).stride_height - (w).padding_height, y_end = y + (w).kernel_height; y < y_end; y++)     \
        for (ptrdiff_t x = (position) % (w).output_width * (w).stride_width - (w).padding_width, x_end = x + (w).kernel_width; x < x_end; x++)     \
            if (y >= 0 && y < (w).height && x >= 0 && x < (w).width)

static void max_pool(context *c) {
    const ptrdiff_t channels = between(c, 1, 70);
    ptrdiff_t height;
    const kernel_window w = window(c, channels, &height);
    float *image = floats(c, w.height * w.width * channels), *output = outputs(c, height * w.output_width * channels);
    if (c->flavour == extreme) image[between(c, 0, w.height * w.width * channels - 1)] = NAN;
    float *expected = plain(c, sizeof(float) * (size_t)(height * w.output_width * channels));
    for (ptrdiff_t i = 0; i < height * w.output_width * channels; i++) {
        expected[i] = -INFINITY;
        FOR_PIXELS(w, i / channels, y, x) {
            const float value = image[(y * w.width + x) * channels + i % channels];
            if (value > expected[i] || isnan(value)) expected[i] = value;
        }
    }
    CALL(c, kernel_max_pool(image, &w, channels, height, output));
    same_floats(c, output, expected, height * w.output_width * channels);
}

static void max_pool_bytes(context *c) {
    const ptrdiff_t channels = between(c, 1, 150);
    ptrdiff_t height;
    const kernel_window w = window(c, channels, &height);
    uint8_t *image = bytes(c, w.height * w.width * channels, 0), *output = bytes(c, height * w.output_width * channels, 0);
    uint8_t *expected = plain(c, (size_t)(height * w.output_width * channels));
    for (ptrdiff_t i = 0; i < height * w.output_width * channels; i++) {
        FOR_PIXELS(w, i / channels, y, x) {
            const uint8_t value = image[(y * w.width + x) * channels + i % channels];
            if (value > expected[i]) expected[i] = value;
        }
    }
    CALL(c, kernel_max_pool_bytes(image, &w, channels, height, output));
    same(c, output, expected, (size_t)(height * w.output_width * channels), "maxima");
}

static void average_pool(context *c) {
    const ptrdiff_t channels = between(c, 1, 70);
    const bool counts_padding = next_random(c) & 1;
    ptrdiff_t height;
    const kernel_window w = window(c, channels, &height);
    const ptrdiff_t count = height * w.output_width * channels;
    float *image = floats(c, w.height * w.width * channels), *output = outputs(c, count);
    double *expected = plain(c, sizeof(double) * (size_t)count), *bounds = plain(c, sizeof(double) * (size_t)count);
    for (ptrdiff_t i = 0; i < count; i++) {
        double sum = 0, magnitudes = 0, covered = 0;
        FOR_PIXELS(w, i / channels, y, x) {
            const double value = (double)image[(y * w.width + x) * channels + i % channels];
            sum += value, magnitudes += fabs(value), covered++;
        }
        const double divisor = counts_padding ? (double)(w.kernel_height * w.kernel_width) : covered;
        expected[i] = sum / divisor;
        bounds[i] = 0x1p-20 * magnitudes / divisor + 1e-44;
    }
    CALL(c, kernel_average_pool(image, &w, channels, height, counts_padding, output));
    near(c, output, expected, bounds, count);
}

static void adaptive_average_pool(context *c) {
    const ptrdiff_t channels = between(c, 1, 70), height = between(c, 1, 9), width = between(c, 1, 9);
    const ptrdiff_t rows = between(c, 1, 7), columns = between(c, 1, 7), count = rows * columns * channels;
    about(c, "%td channels, %td x %td to %td x %td", channels, height, width, rows, columns);
    float *image = floats(c, height * width * channels), *output = outputs(c, count);
    double *expected = plain(c, sizeof(double) * (size_t)count), *bounds = plain(c, sizeof(double) * (size_t)count);
    for (ptrdiff_t i = 0; i < count; i++) {
        const ptrdiff_t row = i / channels / columns, column = i / channels % columns;
        double sum = 0, magnitudes = 0, covered = 0;
        for (ptrdiff_t y = row * height / rows; y < ((row + 1) * height + rows - 1) / rows; y++) {
            for (ptrdiff_t x = column * width / columns; x < ((column + 1) * width + columns - 1) / columns; x++) {
                const double value = (double)image[(y * width + x) * channels + i % channels];
                sum += value, magnitudes += fabs(value), covered++;
            }
        }
        expected[i] = sum / covered;
        bounds[i] = 0x1p-19 * magnitudes / covered + 1e-44;
    }
    CALL(c, kernel_adaptive_average_pool(image, height, width, channels, rows, columns, output));
    near(c, output, expected, bounds, count);
}

/// Chooses maxima, and takes gradients back to the pixels that were chosen.
static void max_pool_choose(context *c) {
    const ptrdiff_t channels = between(c, 1, 70);
    ptrdiff_t height;
    const kernel_window w = window(c, channels, &height);
    const ptrdiff_t count = height * w.output_width * channels, pixels = w.height * w.width * channels;
    float *image = floats(c, pixels), *output = outputs(c, count), *expected = plain(c, sizeof(float) * (size_t)count);
    // Few values, so that many are equal.
    for (ptrdiff_t i = 0; i < pixels; i++) image[i] = (float)between(c, -2, 2);
    uint8_t *choices = bytes(c, count, 0), *chosen = plain(c, (size_t)count);
    for (ptrdiff_t i = 0; i < count; i++) {
        expected[i] = -INFINITY;
        const ptrdiff_t top = i / channels / w.output_width * w.stride_height - w.padding_height;
        const ptrdiff_t left = i / channels % w.output_width * w.stride_width - w.padding_width;
        FOR_PIXELS(w, i / channels, y, x) {
            const float value = image[(y * w.width + x) * channels + i % channels];
            if (value > expected[i]) expected[i] = value, chosen[i] = (uint8_t)((y - top) * w.kernel_width + x - left);
        }
    }
    CALL(c, kernel_max_pool_choose(image, &w, channels, height, output, choices));
    same_floats(c, output, expected, count);
    same(c, choices, chosen, (size_t)count, "choices");
}

static void max_pool_gradient(context *c) {
    const ptrdiff_t channels = between(c, 1, 70);
    ptrdiff_t height;
    const kernel_window w = window(c, channels, &height);
    const ptrdiff_t count = height * w.output_width * channels, pixels = w.height * w.width * channels;
    float *image = floats(c, pixels), *pooled = outputs(c, count);
    uint8_t *choices = bytes(c, count, 0);
    kernel_max_pool_choose(image, &w, channels, height, pooled, choices);
    const float *relu_output = next_random(c) & 1 ? pooled : NULL;
    float *gradient = floats(c, count), *found = outputs(c, pixels);
    // Whole numbers, whose sums are exact in any order.
    for (ptrdiff_t i = 0; i < count; i++) gradient[i] = (float)between(c, -99, 99);
    float *expected = plain(c, sizeof(float) * (size_t)pixels);
    for (ptrdiff_t i = 0; i < count; i++) {
        const ptrdiff_t y = i / channels / w.output_width * w.stride_height - w.padding_height + choices[i] / w.kernel_width;
        const ptrdiff_t x = i / channels % w.output_width * w.stride_width - w.padding_width + choices[i] % w.kernel_width;
        if (relu_output == NULL || relu_output[i] > 0) expected[(y * w.width + x) * channels + i % channels] += gradient[i];
    }
    CALL(c, kernel_max_pool_gradient(gradient, choices, relu_output, &w, channels, height, found));
    if (!c->is_timing) same_floats(c, found, expected, pixels);
}

const check pooling_checks[] = {
    {"kernel_max_pool", max_pool}, {"kernel_max_pool_bytes", max_pool_bytes}, {"kernel_average_pool", average_pool},
    {"kernel_adaptive_average_pool", adaptive_average_pool},
    {"kernel_max_pool_choose", max_pool_choose}, {"kernel_max_pool_gradient", max_pool_gradient}, {NULL, NULL},
};
