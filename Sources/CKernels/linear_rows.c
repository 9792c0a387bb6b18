#include <string.h>

#include "linear.h"
#include "multiversion.h"

// Linear layers whose weights lie row by row, as in a checkpoint.
//
// Few images: a sum has sixteen lanes along the depth, one row of weights times one image. Many: an image is a lane, and
// rows are broadcast. Either way a block of the depth is worked on at a time, so that the images' share of it stays in the
// first or second-level cache while the weights stream by; what comes next is asked for in time.

enum {
    WIDTH = 16,
    /// Sums of a tile of few images: as many as AVX-512 has registers for.
    MOST_SUMS = 16,
    /// Rows that a tile of few images works on at most.
    MOST_ROWS = 2,
    /// Rows that a tile of many images works on at most, and panels.
    MOST_PANEL_ROWS = 12,
    MOST_PANELS = 2,
    /// Of the depth. Eight images' share is 16 KiB, and what a row has of it is half a page.
    BLOCK = 512,
    /// How far ahead a single stream of weights is asked for. Units: bytes.
    AHEAD = 8192,
};

typedef float lanes __attribute__((vector_size(WIDTH * sizeof(float)), aligned(4)));

INLINE float clamped(float value, bool relu) { return relu && value < 0 ? 0 : value; }

// Few images.

/// `rows` rows times `images` images, `parts` sums of each pair so that no addition waits for the one before; all three
/// are constants where this is inlined.
///
/// - next: where the weights lie that will be needed after these.
/// - sums: `[row][image][lane]`.
INLINE void multiply_few(const float *weights, ptrdiff_t row_step, const float *input, ptrdiff_t input_stride,
                         ptrdiff_t depth, int rows, int images, int parts, bool accumulates, const float *next,
                         float *sums) {
    lanes totals[MOST_SUMS];
#pragma clang loop unroll(full)
    for (int sum = 0; sum < rows * images * parts; sum++) totals[sum] = (lanes){0};
    ptrdiff_t k = 0;
    for (; k + WIDTH * parts <= depth; k += WIDTH * parts) {
#pragma clang loop unroll(full)
        for (int part = 0; part < parts; part++) {
            const ptrdiff_t place = k + part * WIDTH;
            lanes values[MOST_ROWS];
#pragma clang loop unroll(full)
            for (int row = 0; row < rows; row++) {
                __builtin_prefetch(next + row * row_step + place, 0, 0);
                memcpy(&values[row], weights + row * row_step + place, sizeof(lanes));
            }
#pragma clang loop unroll(full)
            for (int image = 0; image < images; image++) {
                lanes factors;
                memcpy(&factors, input + image * input_stride + place, sizeof factors);
#pragma clang loop unroll(full)
                for (int row = 0; row < rows; row++) {
                    totals[(row * images + image) * parts + part] += values[row] * factors;
                }
            }
        }
    }
    for (; k < depth; k += WIDTH) {
        const size_t size = (size_t)(depth - k < WIDTH ? depth - k : WIDTH) * sizeof(float);
#pragma clang loop unroll(full)
        for (int image = 0; image < images; image++) {
            lanes factors = {0};
            memcpy(&factors, input + image * input_stride + k, size);
#pragma clang loop unroll(full)
            for (int row = 0; row < rows; row++) {
                lanes values = {0};
                memcpy(&values, weights + row * row_step + k, size);
                totals[(row * images + image) * parts] += values * factors;
            }
        }
    }
#pragma clang loop unroll(full)
    for (int pair = 0; pair < rows * images; pair++) {
        lanes total = totals[pair * parts];
#pragma clang loop unroll(full)
        for (int part = 1; part < parts; part++) total += totals[pair * parts + part];
        float *target = sums + (pair / images * KERNEL_LINEAR_FEW_IMAGES + pair % images) * WIDTH;
        if (accumulates) {
            lanes before;
            memcpy(&before, target, sizeof before);
            total += before;
        }
        memcpy(target, &total, sizeof total);
    }
}

/// Up to `most` images; with more than `most` images, `most` at a time.
INLINE void multiply_few_images(const float *weights, const kernel_linear *l, ptrdiff_t first, ptrdiff_t depth, int rows,
                                int most, const float *next, float *sums) {
    for (ptrdiff_t image = 0; image < l->image_count; image += most) {
        const ptrdiff_t left = l->image_count - image;
        const float *input = l->input + image * l->input_stride + first;
        float *target = sums + image * WIDTH;
        // Eight sums, or four where a vector takes two registers, keep the adders busy.
#define IMAGES(count)                                                                                                  \
    case count:                                                                                                        \
        if (count <= most) {                                                                                           \
            enum { PARTS = 8 / count < 1 ? 1 : 8 / count };                                                            \
            multiply_few(weights + first, l->depth, input, l->input_stride, depth, rows, count,                        \
                         PARTS / rows / (most < 8 ? 2 : 1) < 1 ? 1 : PARTS / rows / (most < 8 ? 2 : 1), first > 0,     \
                         next, target);                                                                                \
        }                                                                                                              \
        break
        switch (left < most ? left : most) {
            IMAGES(1);
            IMAGES(2);
            IMAGES(3);
            IMAGES(4);
            IMAGES(5);
            IMAGES(6);
            IMAGES(7);
            IMAGES(8);
        }
#undef IMAGES
    }
}

INLINE float sum_of(const float *values) {
    typedef float eight __attribute__((vector_size(32)));
    typedef float four __attribute__((vector_size(16)));
    lanes all;
    memcpy(&all, values, sizeof all);
    const eight a = __builtin_shufflevector(all, all, 0, 1, 2, 3, 4, 5, 6, 7)
                    + __builtin_shufflevector(all, all, 8, 9, 10, 11, 12, 13, 14, 15);
    const four b = __builtin_shufflevector(a, a, 0, 1, 2, 3) + __builtin_shufflevector(a, a, 4, 5, 6, 7);
    return (b[0] + b[1]) + (b[2] + b[3]);
}

/// `rows` rows at a time and at most `most` images, which are constants.
INLINE void few_images(const float *weights, const kernel_linear *l, int rows, int most, float *sums) {
    enum { ROW_SUMS = KERNEL_LINEAR_FEW_IMAGES * WIDTH };
    const bool is_alone = l->image_count == 1;
    const ptrdiff_t block = is_alone ? l->depth : BLOCK;
    for (ptrdiff_t first = 0; first == 0 || first < l->depth; first += block) {
        const ptrdiff_t depth = l->depth - first < block ? l->depth - first : block;
        for (ptrdiff_t row = 0; row < l->output_count;) {
            const float *source = weights + row * l->depth;
            float *target = sums + row * ROW_SUMS;
            if (is_alone) {
                // One row is one stream, and the next row its continuation.
                multiply_few_images(source, l, first, depth, 1, most, source + AHEAD / sizeof(float), target);
                row += 1;
                continue;
            }
            const ptrdiff_t later = row + 2 * rows;
            const float *next = later < l->output_count
                                    ? weights + later * l->depth + first
                                    : weights + (later - l->output_count) * l->depth + first + block;
            if (row + rows <= l->output_count) {
                multiply_few_images(source, l, first, depth, rows, most, next, target);
                row += rows;
            } else {
                multiply_few_images(source, l, first, depth, 1, most, next, target);
                row += 1;
            }
        }
    }
    for (ptrdiff_t row = 0; row < l->output_count; row++) {
        for (ptrdiff_t image = 0; image < l->image_count; image++) {
            const float sum = sum_of(sums + row * ROW_SUMS + image * WIDTH);
            l->output[image * l->output_stride + row] = clamped(sum + l->bias[row], l->relu);
        }
    }
}

#if defined(__x86_64__)
AVX512 static void few_images_avx512(const float *weights, const kernel_linear *l, float *sums) {
    few_images(weights, l, 2, 8, sums);
}
AVX2 static void few_images_avx2(const float *weights, const kernel_linear *l, float *sums) {
    few_images(weights, l, 1, 4, sums);
}
#endif

void kernel_linear_few_images(const float *weights, const kernel_linear *layer, float *sums) {
#if defined(__x86_64__)
    switch (kernel_current_instruction_set()) {
    case kernel_avx512: few_images_avx512(weights, layer, sums); return;
    case kernel_avx2: few_images_avx2(weights, layer, sums); return;
    case kernel_portable: break;
    }
#endif
    few_images(weights, layer, 1, 2, sums);
}

// Many images.

/// `rows` rows times `panels` panels of sixteen images, both constants.
INLINE void multiply_many(const float *weights, ptrdiff_t row_step, const float *images, ptrdiff_t panel_step,
                          ptrdiff_t depth, int rows, int panels, bool accumulates, const float *next, float *sums,
                          ptrdiff_t sums_stride) {
    lanes totals[MOST_PANEL_ROWS][MOST_PANELS];
#pragma clang loop unroll(full)
    for (int row = 0; row < rows; row++) {
#pragma clang loop unroll(full)
        for (int panel = 0; panel < panels; panel++) totals[row][panel] = (lanes){0};
    }
    for (ptrdiff_t start = 0; start < depth; start += WIDTH) {
        // Into the second-level cache only: rows are often a multiple of a page apart, and would push each other out of
        // the first.
#pragma clang loop unroll(full)
        for (int row = 0; row < rows; row++) __builtin_prefetch(next + row * row_step + start, 0, 2);
        const ptrdiff_t end = depth - start < WIDTH ? depth : start + WIDTH;
        for (ptrdiff_t k = start; k < end; k++) {
            lanes values[MOST_PANELS];
#pragma clang loop unroll(full)
            for (int panel = 0; panel < panels; panel++) {
                memcpy(&values[panel], images + panel * panel_step + k * WIDTH, sizeof(lanes));
            }
#pragma clang loop unroll(full)
            for (int row = 0; row < rows; row++) {
                const float factor = weights[row * row_step + k];
#pragma clang loop unroll(full)
                for (int panel = 0; panel < panels; panel++) totals[row][panel] += factor * values[panel];
            }
        }
    }
#pragma clang loop unroll(full)
    for (int row = 0; row < rows; row++) {
#pragma clang loop unroll(full)
        for (int panel = 0; panel < panels; panel++) {
            float *target = sums + row * sums_stride + panel * WIDTH;
            if (accumulates) {
                lanes before;
                memcpy(&before, target, sizeof before);
                totals[row][panel] += before;
            }
            memcpy(target, &totals[row][panel], sizeof(lanes));
        }
    }
}

/// `rows` rows and `panels` panels at a time: as many as the registers hold.
INLINE void many_images(const float *weights, const float *images, const kernel_linear *l, int rows, int panels,
                        float *sums) {
    const ptrdiff_t panel_count = (l->image_count + WIDTH - 1) / WIDTH;
    const ptrdiff_t stride = panel_count * WIDTH, panel_step = l->depth * WIDTH;
    for (ptrdiff_t first = 0; first == 0 || first < l->depth; first += BLOCK) {
        const ptrdiff_t depth = l->depth - first < BLOCK ? l->depth - first : BLOCK;
        for (ptrdiff_t row = 0; row < l->output_count;) {
            const int height = l->output_count - row < rows ? 1 : rows;
            const float *source = weights + row * l->depth + first;
            const float *next = row + 2 * height <= l->output_count ? source + height * l->depth
                                                                    : weights + first + BLOCK;
            for (ptrdiff_t panel = 0; panel < panel_count;) {
                const int width = panel_count - panel < panels ? 1 : panels;
                const float *values = images + panel * panel_step + first * WIDTH;
                float *target = sums + row * stride + panel * WIDTH;
#define TILE(height, width)                                                                                            \
    multiply_many(source, l->depth, values, panel_step, depth, height, width, first > 0, next, target, stride)
                if (height == rows && width == panels) TILE(rows, panels);
                else if (height == rows) TILE(rows, 1);
                else if (width == panels) TILE(1, panels);
                else TILE(1, 1);
#undef TILE
                panel += width;
            }
            row += height;
        }
    }
    for (ptrdiff_t image = 0; image < l->image_count; image++) {
        for (ptrdiff_t row = 0; row < l->output_count; row++) {
            l->output[image * l->output_stride + row] = clamped(sums[row * stride + image] + l->bias[row], l->relu);
        }
    }
}

#if defined(__x86_64__)
/// 32 registers of 16: 24 sums, two values, the rest for factors.
AVX512 static void many_images_avx512(const float *weights, const float *images, const kernel_linear *l, float *sums) {
    many_images(weights, images, l, 12, 2, sums);
}
/// 16 registers of 8: 12 sums, two values, one factor.
AVX2 static void many_images_avx2(const float *weights, const float *images, const kernel_linear *l, float *sums) {
    many_images(weights, images, l, 6, 1, sums);
}
#endif

void kernel_linear_many_images(const float *weights, const float *images, const kernel_linear *layer, float *sums) {
#if defined(__x86_64__)
    switch (kernel_current_instruction_set()) {
    case kernel_avx512: many_images_avx512(weights, images, layer, sums); return;
    case kernel_avx2: many_images_avx2(weights, images, layer, sums); return;
    case kernel_portable: break;
    }
#endif
    many_images(weights, images, layer, 2, 1, sums);
}
