// GEMM of bytes with 32-bit sums: one register-blocked micro-kernel under a dot product for each instruction set.

#include "byte_products.h"

#include <string.h>

#include "byte_rescaling.h"
#include "byte_tiles.h"
#include "integer_tile.h"
#include "multiversion.h"

enum { GROUP = KERNEL_BYTE_GROUP };

#if defined(__x86_64__)
/// One instruction: four products of unsigned and signed bytes are added to each 32-bit sum.
AVX512_VNNI static inline void dot_avx512_vnni(sums *sum, uint32_t inputs, const void *weights) {
    const __m512i total = _mm512_dpbusd_epi32(_mm512_loadu_si512(sum), _mm512_set1_epi32((int)inputs),
                                              _mm512_loadu_si512(weights));
    _mm512_storeu_si512(sum, total);
}

/// Even and odd bytes are widened to 16 bits, whose products `vpmaddwd` adds in pairs without saturation. (`vpmaddubsw`,
/// the instruction for bytes, saturates.)
AVX2 static inline void dot_avx2(sums *sum, uint32_t inputs, const void *weights) {
    const __m256i x = _mm256_set1_epi32((int)inputs);
    const __m256i even = _mm256_and_si256(x, _mm256_set1_epi16(0xFF)), odd = _mm256_srli_epi16(x, 8);
    for (int half = 0; half < 2; half++) {
        __m256i *const target = (__m256i *)sum + half;
        const __m256i w = _mm256_loadu_si256((const __m256i *)weights + half);
        const __m256i pairs =
            _mm256_add_epi32(_mm256_madd_epi16(even, _mm256_srai_epi16(_mm256_slli_epi16(w, 8), 8)),
                             _mm256_madd_epi16(odd, _mm256_srai_epi16(w, 8)));
        _mm256_storeu_si256(target, _mm256_add_epi32(_mm256_loadu_si256(target), pairs));
    }
}

AVX512_VNNI NOINLINE static void write_avx512(const sums *values, const void *target, ptrdiff_t row, ptrdiff_t row_count,
                                              ptrdiff_t column) {
    write_rescaled(values, target, row, row_count, column);
}

AVX2 NOINLINE static void write_avx2(const sums *values, const void *target, ptrdiff_t row, ptrdiff_t row_count,
                                     ptrdiff_t column) {
    write_rescaled(values, target, row, row_count, column);
}

/// 24 sums, two vectors of weights, the rest for inputs. With few rows, more panels fit.
AVX512_VNNI static void multiply_avx512_vnni(const uint8_t *left, ptrdiff_t row_count, const int8_t *right,
                                             const product *p) {
    if (row_count <= 5) multiply_panels(left, row_count, right, p, 5, 4, dot_avx512_vnni, write_avx512);
    else multiply_panels(left, row_count, right, p, 12, 2, dot_avx512_vnni, write_avx512);
}

AMX static void multiply_amx(const uint8_t *left, ptrdiff_t row_count, const int8_t *right, const product *p) {
    multiply_in_tiles(left, row_count, right, p, write_avx512);
}

/// Eight registers of sums, four of widened weights, two of widened inputs.
AVX2 static void multiply_avx2(const uint8_t *left, ptrdiff_t row_count, const int8_t *right, const product *p) {
    multiply_panels(left, row_count, right, p, 4, 1, dot_avx2, write_avx2);
}
#endif

#if defined(__SSE2__)
/// As with AVX2, four columns at a time; every x86-64 CPU has these instructions.
static inline void dot_portable(sums *sum, uint32_t inputs, const void *weights) {
    const __m128i x = _mm_set1_epi32((int)inputs);
    const __m128i even = _mm_and_si128(x, _mm_set1_epi16(0xFF)), odd = _mm_srli_epi16(x, 8);
    for (int quarter = 0; quarter < 4; quarter++) {
        __m128i *const target = (__m128i *)sum + quarter;
        const __m128i w = _mm_loadu_si128((const __m128i *)weights + quarter);
        const __m128i pairs = _mm_add_epi32(_mm_madd_epi16(even, _mm_srai_epi16(_mm_slli_epi16(w, 8), 8)),
                                            _mm_madd_epi16(odd, _mm_srai_epi16(w, 8)));
        _mm_storeu_si128(target, _mm_add_epi32(_mm_loadu_si128(target), pairs));
    }
}
#else
static inline void dot_portable(sums *sum, uint32_t inputs, const void *weights) {
    uint8_t x[GROUP];
    memcpy(x, &inputs, sizeof x);
    const int8_t *w = weights;
    for (int column = 0; column < COLUMNS; column++, w += GROUP) {
        (*sum)[column] += x[0] * w[0] + x[1] * w[1] + x[2] * w[2] + x[3] * w[3];
    }
}
#endif

NOINLINE static void write_portable(const sums *values, const void *target, ptrdiff_t row, ptrdiff_t row_count,
                                    ptrdiff_t column) {
    write_rescaled(values, target, row, row_count, column);
}

static void multiply_portable(const uint8_t *left, ptrdiff_t row_count, const int8_t *right, const product *p) {
    multiply_panels(left, row_count, right, p, 2, 1, dot_portable, write_portable);
}

void kernel_multiply_bytes(const uint8_t *left, ptrdiff_t left_stride, ptrdiff_t row_count, const int8_t *panels,
                           ptrdiff_t depth, const kernel_byte_rescaling *rescaling) {
    const ptrdiff_t panel_count = (rescaling->column_count + COLUMNS - 1) / COLUMNS;
    const product p = {left_stride, kernel_byte_panel_depth(depth) * COLUMNS, depth / GROUP, panel_count, rescaling};
#if defined(__x86_64__)
    switch (kernel_current_instruction_set()) {
    case kernel_amx: multiply_amx(left, row_count, panels, &p); return;
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
    return GROUP * repeat_tile(rounds, 12, 2, dot_avx512_vnni);
}

AVX2 static int64_t repeat_avx2(ptrdiff_t rounds) { return GROUP * repeat_tile(rounds, 4, 1, dot_avx2); }

/// Tile registers have no arithmetic without memory: a product on data in the L1 cache.
static int64_t repeat_amx(ptrdiff_t rounds) {
    enum { ROWS = 32, PANELS = 2, DEPTH = 512 };
    static const _Alignas(64) uint8_t left[ROWS * DEPTH + KERNEL_BYTE_SLACK];
    static const _Alignas(64) int8_t panels[PANELS * COLUMNS * DEPTH];
    static const int32_t offsets[PANELS * COLUMNS];
    static const float scales[PANELS * COLUMNS];
    enum { TILES = ROWS * PANELS * DEPTH / (12 * 2 * GROUP) };
    float output[ROWS * PANELS * COLUMNS];
    const kernel_byte_rescaling rescaling = {.offsets = offsets,
                                             .scales = scales,
                                             .bias = scales,
                                             .column_count = PANELS * COLUMNS,
                                             .output_stride = PANELS * COLUMNS,
                                             .output = output};
    const ptrdiff_t count = (rounds + TILES - 1) / TILES;
    for (ptrdiff_t i = 0; i < count; i++) kernel_multiply_bytes(left, DEPTH, ROWS, panels, DEPTH, &rescaling);
    return (int64_t)count * ROWS * PANELS * COLUMNS * DEPTH;
}
#endif

int64_t kernel_repeat_byte_products(ptrdiff_t rounds) {
#if defined(__x86_64__)
    switch (kernel_current_instruction_set()) {
    case kernel_amx: return repeat_amx(rounds);
    case kernel_avx512:
        return __builtin_cpu_supports("avx512vnni") ? repeat_avx512_vnni(rounds) : repeat_avx2(rounds);
    case kernel_avx2: return repeat_avx2(rounds);
    case kernel_portable: break;
    }
#endif
    return GROUP * repeat_tile(rounds, 2, 1, dot_portable);
}
