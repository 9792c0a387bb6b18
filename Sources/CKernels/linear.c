// Linear layers with packed weights: y = x·Wᵀ + b, one panel of 32 outputs at a time.

#include "linear.h"

#include <string.h>

#include "linear_weights.h"
#include "multiversion.h"

enum {
    OUTPUTS = KERNEL_LINEAR_OUTPUTS,
    WIDTH = 16,
    VECTORS = OUTPUTS / WIDTH,
    /// Accumulators of a tile: with two vectors each, they fill 24 of the 32 AVX-512 registers.
    MOST_SUMS = 12,
    /// Inputs per block: a block of expanded weights takes 16 KiB, and so does that of 32 images. Both stay in the L1 cache.
    BLOCK = 128,
    /// Size of a cache line. Units: bytes.
    LINE = 64,
};

typedef float lanes __attribute__((vector_size(WIDTH * sizeof(float)), aligned(4)));
typedef int8_t bytes __attribute__((vector_size(WIDTH), aligned(1)));
typedef uint8_t low_bytes __attribute__((vector_size(WIDTH), aligned(1)));
typedef int16_t high_halves __attribute__((vector_size(WIDTH * sizeof(int16_t)), aligned(2)));
typedef int32_t integers __attribute__((vector_size(WIDTH * sizeof(int32_t)), aligned(4)));
typedef uint16_t halves __attribute__((vector_size(WIDTH * sizeof(uint16_t)), aligned(2)));
typedef uint32_t words __attribute__((vector_size(WIDTH * sizeof(uint32_t)), aligned(4)));
#if defined(__x86_64__) || defined(__aarch64__)
typedef _Float16 float16s __attribute__((vector_size(WIDTH * sizeof(uint16_t)), aligned(2)));
#endif

/// Expands sixteen weights of an input to float32: those with the index `vector` among its groups of sixteen.
INLINE void expand(const char *row, weight_type type, int vector, lanes *values) {
    if (type == float32_weights) {
        memcpy(values, row + vector * sizeof *values, sizeof *values);
    } else if (type == int24_weights) {
        high_halves high;
        low_bytes low;
        memcpy(&high, row + vector * sizeof high, sizeof high);
        memcpy(&low, row + OUTPUTS * sizeof(int16_t) + vector * sizeof low, sizeof low);
        const integers numbers = (__builtin_convertvector(high, integers) << 8) | __builtin_convertvector(low, integers);
        *values = __builtin_convertvector(numbers, lanes);
    } else if (type == int8_weights) {
        bytes numbers;
        memcpy(&numbers, row + vector * sizeof numbers, sizeof numbers);
        *values = __builtin_convertvector(numbers, lanes);
#if defined(__x86_64__) || defined(__aarch64__)
    } else if (type == converted_float16_weights) {
        float16s numbers;
        memcpy(&numbers, row + vector * sizeof numbers, sizeof numbers);
        *values = __builtin_convertvector(numbers, lanes);
#endif
    } else {
        // Shifts fraction and exponent to their float32 positions; multiplying by 2¹¹² corrects the exponent bias (127
        // - 15), for subnormals too. There are no infinities.
        halves numbers;
        memcpy(&numbers, row + vector * sizeof numbers, sizeof numbers);
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

/// The weights that are read later, which a tile prefetches.
typedef struct {
    const char *weights;
    /// How far they are prefetched for each input. Units: bytes.
    ptrdiff_t step;
} upcoming;

/// Multiplies `depth` rows of a panel by a group of images. Each pair of output and image has `parts` accumulators in
/// registers, which hides the latency of fused multiply-adds.
///
/// `type`, `images`, `parts` and `is_only` are constants once this is inlined, and so is whether `expanded` is null. The
/// loops are therefore unrolled.
/// - expanded: receives the weights as float32, `[k][output]`; may be null.
/// - is_only: whether this is the only group of images, which then prefetches whole rows.
INLINE void multiply_tile(const char *panel, weight_type type, float *expanded, const float *input,
                          ptrdiff_t input_stride, ptrdiff_t depth, upcoming next, bool is_only, int images, int parts,
                          bool accumulates, float *sums) {
    const ptrdiff_t step = row_byte_count(type);
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
            // Into the L2 cache. A non-temporal prefetch halves the speed on an Intel Xeon (family 6, model 207), and
            // gains nothing on Zen 4.
            if (is_only ? part * step % LINE == 0 || step > LINE : part == 0) {
                __builtin_prefetch(next.weights + part * next.step, 0, 2);
                if (is_only && step > LINE) __builtin_prefetch(next.weights + part * next.step + LINE, 0, 2);
            }
            lanes values[VECTORS];
#pragma clang loop unroll(full)
            for (int vector = 0; vector < VECTORS; vector++) expand(weights, type, vector, &values[vector]);
            if (expanded) memcpy(expanded + (k + part) * OUTPUTS, values, sizeof values);
#pragma clang loop unroll(full)
            for (int image = 0; image < images; image++) {
                const float factor = input[image * input_stride + k + part];
#pragma clang loop unroll(full)
                for (int vector = 0; vector < VECTORS; vector++) {
                    totals[image * parts + part][vector] += factor * values[vector];
                }
            }
        }
        next.weights += parts * next.step;
    }
    for (; k < depth; k++) {
#pragma clang loop unroll(full)
        for (int vector = 0; vector < VECTORS; vector++) {
            lanes values;
            expand(panel + k * step, type, vector, &values);
            if (expanded) memcpy(expanded + k * OUTPUTS + vector * WIDTH, &values, sizeof values);
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

/// Multiplies up to `most` images (a compile-time constant).
INLINE void multiply_images(const char *panel, weight_type type, float *expanded, const float *input,
                            ptrdiff_t input_stride, ptrdiff_t depth, upcoming next, bool is_only, ptrdiff_t images,
                            int most, bool accumulates, float *sums) {
#define IMAGES(count, parts)                                                                                           \
    case count:                                                                                                        \
        if (count <= most) {                                                                                           \
            multiply_tile(panel, type, expanded, input, input_stride, depth, next, is_only, count, parts, accumulates, \
                          sums);                                                                                       \
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

/// Scale, bias and optional ReLU: `output = relu(sum * scale + bias)`.
INLINE void finish(const float *sums, const float *scales, const kernel_linear *l) {
    for (ptrdiff_t image = 0; image < l->image_count; image++) {
        float *output = l->output + image * l->output_stride;
        for (ptrdiff_t place = 0; place < l->output_count; place++) {
            const float value = sums[image * OUTPUTS + place] * scales[place] + l->bias[place];
            output[place] = l->relu && value < 0 ? 0 : value;
        }
    }
}

/// Multiplies one block of inputs by all images, in `group_count` groups of about equal size. The first group expands
/// the weights for the others, and all of them share the prefetching of the next block.
INLINE void multiply_block(const char *weights, weight_type type, const kernel_linear *l, ptrdiff_t first,
                           ptrdiff_t depth, ptrdiff_t group_count, int most, float *sums) {
    _Alignas(LINE) float expanded[BLOCK * OUTPUTS];
    const ptrdiff_t step = row_byte_count(type);
    upcoming next = {weights + depth * step, (step + group_count - 1) / group_count};
    for (ptrdiff_t group = 0, image = 0; group < group_count; group++) {
        const ptrdiff_t images = (l->image_count - image + group_count - group - 1) / (group_count - group);
        const float *input = l->input + image * l->input_stride + first;
        float *target = sums + image * OUTPUTS;
#define MULTIPLY(weights, type, expanded)                                                                              \
    multiply_images(weights, type, expanded, input, l->input_stride, depth, next, false, images, most, first > 0, target)
        if (type == float32_weights) MULTIPLY(weights, type, NULL);
        else if (group == 0) MULTIPLY(weights, type, expanded);
        else MULTIPLY((const char *)expanded, float32_weights, NULL);
#undef MULTIPLY
        image += images;
        next.weights += depth * next.step;
    }
}

/// Computes one panel and reads its weights once. More images than `most` are computed one block of inputs after the
/// other.
INLINE void linear_panel(const char *panel, weight_type type, const float *scales, const kernel_linear *l, int most,
                         float *sums) {
    const ptrdiff_t group_count = (l->image_count + most - 1) / most, step = row_byte_count(type);
    if (group_count == 1) {
        const upcoming next = {panel + l->prefetch_distance, step};
        multiply_images(panel, type, NULL, l->input, l->input_stride, l->depth, next, true, l->image_count, most, false,
                        sums);
    } else {
        for (ptrdiff_t first = 0; first == 0 || first < l->depth; first += BLOCK) {
            const ptrdiff_t depth = l->depth - first < BLOCK ? l->depth - first : BLOCK;
            multiply_block(panel + first * step, type, l, first, depth, group_count, most, sums);
        }
    }
    finish(sums, scales, l);
}

/// One function for each instruction set. It takes as many images at a time as the registers hold.
#if defined(__x86_64__)
#define VERSIONS(name, converted_type)                                                                                 \
    AVX512 static void name##_avx512(const char *panel, const float *scales, const kernel_linear *l, float *sums) {    \
        linear_panel(panel, converted_type, scales, l, 12, sums);                                                      \
    }                                                                                                                  \
    AVX2 static void name##_avx2(const char *panel, const float *scales, const kernel_linear *l, float *sums) {        \
        linear_panel(panel, converted_type, scales, l, 3, sums);                                                       \
    }                                                                                                                  \
    void kernel_linear_##name(const void *panel, const float *scales, const kernel_linear *layer, float *sums) {       \
        switch (kernel_current_instruction_set()) {                                                                    \
        case kernel_amx:                                                                                               \
        case kernel_avx512: name##_avx512(panel, scales, layer, sums); return;                                         \
        case kernel_avx2: name##_avx2(panel, scales, layer, sums); return;                                             \
        case kernel_portable: break;                                                                                   \
        }                                                                                                              \
        linear_panel(panel, name##_weights, scales, layer, 1, sums);                                                   \
    }
#else
#define VERSIONS(name, converted_type)                                                                                 \
    void kernel_linear_##name(const void *panel, const float *scales, const kernel_linear *layer, float *sums) {       \
        linear_panel(panel, name##_weights, scales, layer, 1, sums);                                                   \
    }
#endif

VERSIONS(float32, float32_weights)
VERSIONS(int24, int24_weights)
VERSIONS(float16, converted_float16_weights)
VERSIONS(int8, int8_weights)
