// GEMM of 16-bit integers with 32-bit sums: the micro-kernel of integer_tile.h.

#include "int16_products.h"

#include "integer_tile.h"

/// Where the sums go.
typedef struct {
    int32_t *output;
    ptrdiff_t stride;
} destination;

INLINE void write_sums(const sums *values, const void *target, ptrdiff_t row, ptrdiff_t row_count, ptrdiff_t column) {
    const destination *d = target;
    UNROLL
    for (ptrdiff_t i = 0; i < row_count; i++) {
        memcpy(d->output + (row + i) * d->stride + column, values + i, sizeof *values);
    }
}

#if defined(__x86_64__)
/// One instruction: two products are added to each 32-bit sum.
AVX512_VNNI static inline void dot_avx512_vnni(sums *sum, uint32_t inputs, const void *weights) {
    __m512i total = _mm512_loadu_si512(sum);
    // As an intrinsic, the compiler takes it apart into a product and a sum.
    __asm__("vpdpwssd %2, %1, %0" : "+v"(total) : "v"(_mm512_set1_epi32((int)inputs)), "v"(_mm512_loadu_si512(weights)));
    _mm512_storeu_si512(sum, total);
}

AVX2 static inline void dot_avx2(sums *sum, uint32_t inputs, const void *weights) {
    const __m256i x = _mm256_set1_epi32((int)inputs);
    for (int half = 0; half < 2; half++) {
        __m256i *const target = (__m256i *)sum + half;
        const __m256i pairs = _mm256_madd_epi16(x, _mm256_loadu_si256((const __m256i *)weights + half));
        _mm256_storeu_si256(target, _mm256_add_epi32(_mm256_loadu_si256(target), pairs));
    }
}

/// 24 sums, two vectors of weights, the rest for inputs.
AVX512_VNNI static void multiply_avx512_vnni(const int16_t *left, ptrdiff_t row_count, const int16_t *right,
                                             const product *p) {
    multiply_panels(left, row_count, right, p, 12, 2, dot_avx512_vnni, write_sums);
}

/// Twelve registers of sums, two of weights, one for inputs and one for products.
AVX2 static void multiply_avx2(const int16_t *left, ptrdiff_t row_count, const int16_t *right, const product *p) {
    multiply_panels(left, row_count, right, p, 6, 1, dot_avx2, write_sums);
}
#endif

#if defined(__SSE2__)
/// As with AVX2, four columns at a time; every x86-64 CPU has these instructions.
static inline void dot_portable(sums *sum, uint32_t inputs, const void *weights) {
    const __m128i x = _mm_set1_epi32((int)inputs);
    for (int quarter = 0; quarter < 4; quarter++) {
        __m128i *const target = (__m128i *)sum + quarter;
        const __m128i pairs = _mm_madd_epi16(x, _mm_loadu_si128((const __m128i *)weights + quarter));
        _mm_storeu_si128(target, _mm_add_epi32(_mm_loadu_si128(target), pairs));
    }
}
#else
static inline void dot_portable(sums *sum, uint32_t inputs, const void *weights) {
    int16_t x[2];
    memcpy(x, &inputs, sizeof x);
    const int16_t *w = weights;
    for (int column = 0; column < COLUMNS; column++, w += 2) {
        // Sums wrap around, as the vector instructions' do.
        (*sum)[column] = (int32_t)((uint32_t)(*sum)[column] + (uint32_t)(x[0] * w[0]) + (uint32_t)(x[1] * w[1]));
    }
}
#endif

static void multiply_portable(const int16_t *left, ptrdiff_t row_count, const int16_t *right, const product *p) {
    multiply_panels(left, row_count, right, p, 3, 1, dot_portable, write_sums);
}

void kernel_multiply_int16(const int16_t *left, ptrdiff_t left_stride, ptrdiff_t row_count, const int16_t *panels,
                           ptrdiff_t panel_count, ptrdiff_t depth, int32_t *output, ptrdiff_t output_stride) {
    const destination target = {output, output_stride};
    const product p = {left_stride * (ptrdiff_t)sizeof(int16_t), depth * COLUMNS * (ptrdiff_t)sizeof(int16_t),
                       depth / KERNEL_INT16_GROUP, panel_count, &target};
#if defined(__x86_64__)
    switch (kernel_current_instruction_set()) {
    case kernel_amx:
    case kernel_avx512:
        if (__builtin_cpu_supports("avx512vnni")) multiply_avx512_vnni(left, row_count, panels, &p);
        else multiply_avx2(left, row_count, panels, &p);
        return;
    case kernel_avx2: multiply_avx2(left, row_count, panels, &p); return;
    case kernel_portable: break;
    }
#endif
    multiply_portable(left, row_count, panels, &p);
}

#if defined(__x86_64__)
AVX512_VNNI static int64_t repeat_avx512_vnni(ptrdiff_t rounds) {
    return KERNEL_INT16_GROUP * repeat_tile(rounds, 12, 2, dot_avx512_vnni);
}

AVX2 static int64_t repeat_avx2(ptrdiff_t rounds) {
    return KERNEL_INT16_GROUP * repeat_tile(rounds, 6, 1, dot_avx2);
}
#endif

int64_t kernel_repeat_int16_products(ptrdiff_t rounds) {
#if defined(__x86_64__)
    switch (kernel_current_instruction_set()) {
    case kernel_amx:
    case kernel_avx512:
        return __builtin_cpu_supports("avx512vnni") ? repeat_avx512_vnni(rounds) : repeat_avx2(rounds);
    case kernel_avx2: return repeat_avx2(rounds);
    case kernel_portable: break;
    }
#endif
    return KERNEL_INT16_GROUP * repeat_tile(rounds, 3, 1, dot_portable);
}

double kernel_int16_product_cost(void) {
#if defined(__x86_64__)
    switch (kernel_current_instruction_set()) {
    case kernel_amx: return 7;
    case kernel_avx512: return __builtin_cpu_supports("avx512vnni") ? 2 : 1;
    case kernel_avx2:
    case kernel_portable: break;
    }
#endif
    return 1;
}
