#include "linear.h"

#include <string.h>

#include "multiversion.h"

enum {
    OUTPUTS = KERNEL_LINEAR_OUTPUTS,
    WIDTH = 16,
    VECTORS = OUTPUTS / WIDTH,
    /// Sums of a tile: with two vectors each they fill 24 of AVX-512's registers.
    MOST_SUMS = 12,
    /// Weights that several groups of images read one after the other: 16 KiB of float16.
    BLOCK = 256,
    /// How far ahead of their use weights are asked for: memory is slow, and what the processor fetches by itself is not
    /// enough where many sums are made of each weight. Units: bytes.
    AHEAD = 8192,
};

typedef float lanes __attribute__((vector_size(WIDTH * sizeof(float)), aligned(4)));
typedef int8_t bytes __attribute__((vector_size(WIDTH), aligned(1)));
typedef uint16_t halves __attribute__((vector_size(WIDTH * sizeof(uint16_t)), aligned(2)));
typedef uint32_t words __attribute__((vector_size(WIDTH * sizeof(uint32_t)), aligned(4)));
#if defined(__x86_64__) || defined(__aarch64__)
typedef _Float16 float16s __attribute__((vector_size(WIDTH * sizeof(uint16_t)), aligned(2)));
#endif

/// How weights are written.
typedef enum { float32_weights, float16_weights, converted_float16_weights, int8_weights } weight_type;

INLINE ptrdiff_t byte_count(weight_type type) {
    return type == float32_weights ? 4 : type == int8_weights ? 1 : 2;
}

/// Sixteen weights as float32.
INLINE void expand(const char *weights, weight_type type, lanes *values) {
    if (type == float32_weights) {
        memcpy(values, weights, sizeof *values);
    } else if (type == int8_weights) {
        bytes numbers;
        memcpy(&numbers, weights, sizeof numbers);
        *values = __builtin_convertvector(numbers, lanes);
#if defined(__x86_64__) || defined(__aarch64__)
    } else if (type == converted_float16_weights) {
        float16s numbers;
        memcpy(&numbers, weights, sizeof numbers);
        *values = __builtin_convertvector(numbers, lanes);
#endif
    } else {
        // The fraction and the exponent where float32 has them, and the difference of the biases, 127 - 15, as a factor:
        // right for subnormals too. There are no infinities.
        halves numbers;
        memcpy(&numbers, weights, sizeof numbers);
        const words wide = __builtin_convertvector(numbers, words);
        const words magnitude = (wide & 0x7FFF) << 13;
        lanes scaled;
        memcpy(&scaled, &magnitude, sizeof scaled);
        scaled *= 0x1p112f;
        words bits;
        memcpy(&bits, &scaled, sizeof bits);
        bits |= (wide & 0x8000) << 16;
        memcpy(values, &bits, sizeof *values);
    }
}

/// Multiplies `depth` rows of a panel with some images: everything is summed in registers, `parts` sums for each output and
/// image, so that no addition waits for the one before.
///
/// `type`, `images` and `parts` are constants where this is inlined, so that the loops over them disappear.
INLINE void multiply_tile(const char *panel, weight_type type, const float *input, ptrdiff_t input_stride,
                          ptrdiff_t depth, int images, int parts, bool accumulates, float *sums) {
    const ptrdiff_t step = OUTPUTS * byte_count(type);
    lanes totals[MOST_SUMS][VECTORS];
#pragma clang loop unroll(full)
    for (int sum = 0; sum < images * parts; sum++) {
#pragma clang loop unroll(full)
        for (int vector = 0; vector < VECTORS; vector++) totals[sum][vector] = (lanes){0};
    }
    ptrdiff_t k = 0;
    for (; k + parts <= depth; k += parts) {
#pragma clang loop unroll(full)
        for (int part = 0; part < parts; part++) {
            const char *weights = panel + (k + part) * step;
            // Weights are read once: they need not push the images out of the second-level cache.
            if (part * step % 64 == 0) __builtin_prefetch(weights + AHEAD, 0, 0);
            lanes values[VECTORS];
#pragma clang loop unroll(full)
            for (int vector = 0; vector < VECTORS; vector++) {
                expand(weights + vector * WIDTH * byte_count(type), type, &values[vector]);
            }
#pragma clang loop unroll(full)
            for (int image = 0; image < images; image++) {
                const float factor = input[image * input_stride + k + part];
#pragma clang loop unroll(full)
                for (int vector = 0; vector < VECTORS; vector++) {
                    totals[image * parts + part][vector] += factor * values[vector];
                }
            }
        }
    }
    for (; k < depth; k++) {
#pragma clang loop unroll(full)
        for (int vector = 0; vector < VECTORS; vector++) {
            lanes values;
            expand(panel + k * step + vector * WIDTH * byte_count(type), type, &values);
#pragma clang loop unroll(full)
            for (int image = 0; image < images; image++) {
                totals[image * parts][vector] += input[image * input_stride + k] * values;
            }
        }
    }
#pragma clang loop unroll(full)
    for (int image = 0; image < images; image++) {
#pragma clang loop unroll(full)
        for (int vector = 0; vector < VECTORS; vector++) {
            lanes total = totals[image * parts][vector];
#pragma clang loop unroll(full)
            for (int part = 1; part < parts; part++) total += totals[image * parts + part][vector];
            float *target = sums + image * OUTPUTS + vector * WIDTH;
            if (accumulates) {
                lanes before;
                memcpy(&before, target, sizeof before);
                total += before;
            }
            memcpy(target, &total, sizeof total);
        }
    }
}

/// Up to `most` images, which is a constant.
INLINE void multiply_images(const char *panel, weight_type type, const float *input, ptrdiff_t input_stride,
                            ptrdiff_t depth, ptrdiff_t images, int most, bool accumulates, float *sums) {
#define IMAGES(count, parts)                                                                                           \
    case count:                                                                                                        \
        if (count <= most) {                                                                                           \
            multiply_tile(panel, type, input, input_stride, depth, count, parts, accumulates, sums);                   \
        }                                                                                                              \
        break
    switch (images) {
        IMAGES(1, (most == MOST_SUMS ? 4 : 2));
        IMAGES(2, (most == MOST_SUMS ? 2 : 1));
        IMAGES(3, (most == MOST_SUMS ? 2 : 1));
        IMAGES(4, 1);
        IMAGES(5, 1);
        IMAGES(6, 1);
        IMAGES(7, 1);
        IMAGES(8, 1);
        IMAGES(9, 1);
        IMAGES(10, 1);
        IMAGES(11, 1);
        IMAGES(12, 1);
    }
#undef IMAGES
}

/// output = relu(sum * scale + bias)
INLINE void finish(const float *sums, const float *scales, const kernel_linear *l) {
    for (ptrdiff_t image = 0; image < l->image_count; image++) {
        float *output = l->output + image * l->output_stride;
        for (ptrdiff_t place = 0; place < l->output_count; place++) {
            const float value = sums[image * OUTPUTS + place] * scales[place] + l->bias[place];
            output[place] = l->relu && value < 0 ? 0 : value;
        }
    }
}

/// The weights pass by once; where there are more than `most` images, a block of them at a time for all images.
INLINE void linear_panel(const char *panel, weight_type type, const float *scales, const kernel_linear *l, int most,
                         bool expands, float *sums) {
    const bool is_one_pass = l->image_count <= most;
    const ptrdiff_t step = OUTPUTS * byte_count(type);
    const ptrdiff_t block = is_one_pass ? l->depth : BLOCK;
    float expanded[BLOCK * OUTPUTS];
    for (ptrdiff_t first = 0; first == 0 || first < l->depth; first += block) {
        const ptrdiff_t depth = l->depth - first < block ? l->depth - first : block;
        const char *weights = panel + first * step;
        if (!is_one_pass && expands) {
            for (ptrdiff_t place = 0; place < depth * OUTPUTS; place += WIDTH) {
                expand(weights + place * byte_count(type), type, (lanes *)(expanded + place));
            }
        }
        for (ptrdiff_t image = 0; image < l->image_count; image += most) {
            const ptrdiff_t images = l->image_count - image < most ? l->image_count - image : most;
            const float *input = l->input + image * l->input_stride + first;
            float *target = sums + image * OUTPUTS;
            if (!is_one_pass && expands) {
                multiply_images((const char *)expanded, float32_weights, input, l->input_stride, depth, images, most,
                                first > 0, target);
            } else {
                multiply_images(weights, type, input, l->input_stride, depth, images, most, first > 0, target);
            }
        }
    }
    finish(sums, scales, l);
}

#if defined(__x86_64__)
AVX512 static void float16_avx512(const char *panel, const float *scales, const kernel_linear *l, float *sums) {
    linear_panel(panel, converted_float16_weights, scales, l, 12, false, sums);
}
AVX512 static void int8_avx512(const char *panel, const float *scales, const kernel_linear *l, float *sums) {
    linear_panel(panel, int8_weights, scales, l, 12, false, sums);
}
AVX2 static void float16_avx2(const char *panel, const float *scales, const kernel_linear *l, float *sums) {
    linear_panel(panel, converted_float16_weights, scales, l, 3, true, sums);
}
AVX2 static void int8_avx2(const char *panel, const float *scales, const kernel_linear *l, float *sums) {
    linear_panel(panel, int8_weights, scales, l, 3, true, sums);
}
#endif

void kernel_linear_float16(const uint16_t *panel, const float *scales, const kernel_linear *layer, float *sums) {
#if defined(__x86_64__)
    switch (kernel_current_instruction_set()) {
    case kernel_avx512: float16_avx512((const char *)panel, scales, layer, sums); return;
    case kernel_avx2: float16_avx2((const char *)panel, scales, layer, sums); return;
    case kernel_portable: break;
    }
#endif
    linear_panel((const char *)panel, float16_weights, scales, layer, 1, true, sums);
}

void kernel_linear_int8(const int8_t *panel, const float *scales, const kernel_linear *layer, float *sums) {
#if defined(__x86_64__)
    switch (kernel_current_instruction_set()) {
    case kernel_avx512: int8_avx512((const char *)panel, scales, layer, sums); return;
    case kernel_avx2: int8_avx2((const char *)panel, scales, layer, sums); return;
    case kernel_portable: break;
    }
#endif
    linear_panel((const char *)panel, int8_weights, scales, layer, 1, true, sums);
}

