// GEMM of bytes with 32-bit sums: one register-blocked micro-kernel under a dot product for each instruction set.

#include "byte_products.h"

#include <string.h>

#include "multiversion.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define AVX512_VNNI __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")))
#endif

enum { COLUMNS = KERNEL_BYTE_PANEL_COLUMNS, GROUP = KERNEL_BYTE_GROUP, MOST_ROWS = 12, MOST_PANELS = 4 };

/// The sums of one row in a panel.
typedef int32_t sums __attribute__((vector_size(COLUMNS * sizeof(int32_t)), aligned(4)));
typedef float lanes __attribute__((vector_size(COLUMNS * sizeof(float)), aligned(4)));

/// Adds to each column's sum the products of a group of four inputs with the column's four weights.
typedef void dot_product(sums *sum, uint32_t inputs, const int8_t *weights);

/// Parameters shared by all tiles of a product.
typedef struct {
    /// Units: bytes.
    ptrdiff_t left_stride;
    /// Distance between panels. Units: bytes.
    ptrdiff_t panel_step;
    ptrdiff_t group_count;
    const kernel_byte_rescaling *rescaling;
} product;

/// Rescales the sums of one row in one panel and writes them.
INLINE void write_sums(const sums *values, const kernel_byte_rescaling *r, ptrdiff_t row, ptrdiff_t column) {
#pragma clang fp contract(off)
    sums offsets;
    lanes scales, bias;
    memcpy(&offsets, r->offsets + column, sizeof offsets);
    memcpy(&scales, r->scales + column, sizeof scales);
    memcpy(&bias, r->bias + column, sizeof bias);
    lanes output = __builtin_convertvector(*values + offsets, lanes) * scales;
    output = output + bias;
    const ptrdiff_t place = row * r->output_stride + column;
    const ptrdiff_t rest = r->column_count - column;
    const size_t byte_count = (size_t)(rest < COLUMNS ? rest : COLUMNS) * sizeof(float);
    if (r->addends) {
        lanes addends = {0};
        if (rest >= COLUMNS) memcpy(&addends, r->addends + place, sizeof addends);
        else memcpy(&addends, r->addends + place, byte_count);
        output = output + addends;
    }
    // Where a value is negative, all bits are masked.
    if (r->relu) output = (lanes)((sums)output & ~(sums)(output < 0));
    if (rest >= COLUMNS) memcpy(r->output + place, &output, sizeof output);
    else memcpy(r->output + place, &output, byte_count);
}

/// The micro-kernel: multiplies `rows` rows by `panels` panels in registers. `rows`, `panels` and `dot` are constants once
/// this is inlined.
INLINE void multiply_tile(const uint8_t *left, const int8_t *right, const product *p, ptrdiff_t row, ptrdiff_t column,
                          int rows, int panels, dot_product *dot) {
    sums totals[MOST_ROWS][MOST_PANELS];
    UNROLL
    for (int i = 0; i < rows; i++) {
        UNROLL
        for (int panel = 0; panel < panels; panel++) totals[i][panel] = (sums){0};
    }
    for (ptrdiff_t group = 0; group < p->group_count; group++) {
        UNROLL
        for (int i = 0; i < rows; i++) {
            uint32_t inputs;
            memcpy(&inputs, left + i * p->left_stride + group * GROUP, sizeof inputs);
            UNROLL
            for (int panel = 0; panel < panels; panel++) {
                dot(&totals[i][panel], inputs, right + panel * p->panel_step + group * GROUP * COLUMNS);
            }
        }
    }
    UNROLL
    for (int i = 0; i < rows; i++) {
        UNROLL
        for (int panel = 0; panel < panels; panel++) {
            write_sums(&totals[i][panel], p->rescaling, row + i, column + panel * COLUMNS);
        }
    }
}

/// Multiplies one tile of up to `most` rows.
INLINE void multiply_rows(const uint8_t *left, const int8_t *right, const product *p, ptrdiff_t row, ptrdiff_t column,
                          ptrdiff_t rows, int most, int panels, dot_product *dot) {
#define CASE(count)                                                                                                    \
    case count:                                                                                                        \
        if (count <= most) multiply_tile(left, right, p, row, column, count, panels, dot);                             \
        break;
    switch (rows) {
        CASE(1)
        CASE(2)
        CASE(3)
        CASE(4)
        CASE(5)
        CASE(6)
        CASE(7)
        CASE(8)
        CASE(9)
        CASE(10)
        CASE(11)
        CASE(12)
    }
#undef CASE
}

/// The outer loop runs over panels and the inner one over blocks of rows, so that the panels stay in the cache. Blocks have
/// about equal heights.
INLINE void multiply_panels(const uint8_t *left, ptrdiff_t row_count, const int8_t *right, const product *p,
                            int most_rows, int panels, dot_product *dot) {
    const ptrdiff_t panel_count = (p->rescaling->column_count + COLUMNS - 1) / COLUMNS;
    const ptrdiff_t blocks = (row_count + most_rows - 1) / most_rows;
    for (ptrdiff_t panel = 0; panel < panel_count;) {
        const bool is_full = panel_count - panel >= panels;
        for (ptrdiff_t block = 0; block < blocks; block++) {
            const ptrdiff_t first = block * row_count / blocks, rows = (block + 1) * row_count / blocks - first;
            const uint8_t *inputs = left + first * p->left_stride;
            const int8_t *weights = right + panel * p->panel_step;
            if (is_full) multiply_rows(inputs, weights, p, first, panel * COLUMNS, rows, most_rows, panels, dot);
            else multiply_rows(inputs, weights, p, first, panel * COLUMNS, rows, most_rows, 1, dot);
        }
        panel += is_full ? panels : 1;
    }
}

/// `chains` and `dot` are constants once this is inlined.
INLINE int64_t repeat_products(ptrdiff_t rounds, int chains, dot_product *dot) {
    sums totals[MOST_ROWS * 2];
    UNROLL
    for (int chain = 0; chain < chains; chain++) totals[chain] = (sums){0};
    int8_t weights[GROUP * COLUMNS];
    memset(weights, 3, sizeof weights);
    // The compiler does not know these values, so it computes every product.
    uint32_t inputs = 0x01020304;
    __asm__("" : "+r"(inputs) : : "memory");
    for (ptrdiff_t round = 0; round < rounds; round++) {
        UNROLL
        for (int chain = 0; chain < chains; chain++) dot(&totals[chain], inputs, weights);
    }
    sums total = {0};
    UNROLL
    for (int chain = 0; chain < chains; chain++) total += totals[chain];
    volatile int32_t sink = total[0];
    (void)sink;
    return (int64_t)rounds * chains * GROUP * COLUMNS;
}

#if defined(__x86_64__)
/// One instruction: four products of unsigned and signed bytes are added to each 32-bit sum.
AVX512_VNNI static inline void dot_avx512_vnni(sums *sum, uint32_t inputs, const int8_t *weights) {
    const __m512i total = _mm512_dpbusd_epi32(_mm512_loadu_si512(sum), _mm512_set1_epi32((int)inputs),
                                              _mm512_loadu_si512(weights));
    _mm512_storeu_si512(sum, total);
}

/// Even and odd bytes are widened to 16 bits, whose products `vpmaddwd` adds in pairs without saturation. (`vpmaddubsw`,
/// the instruction for bytes, saturates.)
AVX2 static inline void dot_avx2(sums *sum, uint32_t inputs, const int8_t *weights) {
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

/// 24 sums, two vectors of weights, the rest for inputs. With few rows, more panels fit.
AVX512_VNNI static void multiply_avx512_vnni(const uint8_t *left, ptrdiff_t row_count, const int8_t *right,
                                             const product *p) {
    if (row_count <= 5) multiply_panels(left, row_count, right, p, 5, 4, dot_avx512_vnni);
    else multiply_panels(left, row_count, right, p, 12, 2, dot_avx512_vnni);
}

/// Eight registers of sums, four of widened weights, two of widened inputs.
AVX2 static void multiply_avx2(const uint8_t *left, ptrdiff_t row_count, const int8_t *right, const product *p) {
    multiply_panels(left, row_count, right, p, 4, 1, dot_avx2);
}
#endif

#if defined(__SSE2__)
/// As with AVX2, four columns at a time; every x86-64 CPU has these instructions.
static inline void dot_portable(sums *sum, uint32_t inputs, const int8_t *weights) {
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
static inline void dot_portable(sums *sum, uint32_t inputs, const int8_t *weights) {
    uint8_t bytes[GROUP];
    memcpy(bytes, &inputs, sizeof bytes);
    for (int column = 0; column < COLUMNS; column++, weights += GROUP) {
        (*sum)[column] += bytes[0] * weights[0] + bytes[1] * weights[1] + bytes[2] * weights[2] + bytes[3] * weights[3];
    }
}
#endif

#if defined(__x86_64__)
AVX512_VNNI static int64_t repeat_products_avx512_vnni(ptrdiff_t rounds) {
    return repeat_products(rounds, 24, dot_avx512_vnni);
}
AVX2 static int64_t repeat_products_avx2(ptrdiff_t rounds) { return repeat_products(rounds, 4, dot_avx2); }
#endif

int64_t kernel_repeat_byte_products(ptrdiff_t rounds) {
#if defined(__x86_64__)
    switch (kernel_current_instruction_set()) {
    case kernel_avx512:
        return __builtin_cpu_supports("avx512vnni") ? repeat_products_avx512_vnni(rounds) : repeat_products_avx2(rounds);
    case kernel_avx2: return repeat_products_avx2(rounds);
    case kernel_portable: break;
    }
#endif
    return repeat_products(rounds, 2, dot_portable);
}

static void multiply_portable(const uint8_t *left, ptrdiff_t row_count, const int8_t *right, const product *p) {
    multiply_panels(left, row_count, right, p, 2, 1, dot_portable);
}

void kernel_multiply_bytes(const uint8_t *left, ptrdiff_t left_stride, ptrdiff_t row_count, const int8_t *panels,
                           ptrdiff_t depth, const kernel_byte_rescaling *rescaling) {
    const product p = {left_stride, depth * COLUMNS, depth / GROUP, rescaling};
#if defined(__x86_64__)
    switch (kernel_current_instruction_set()) {
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

/// Rounds to nearest, ties to even: the sum with 1.5·2²³ has no fraction bits. Limits: magnitudes below 2²².
INLINE int32_t rounded(float value) {
    const float sum = value + 0x1.8p23f;
    int32_t bits;
    memcpy(&bits, &sum, sizeof bits);
    return bits - 0x4B400000;
}

INLINE void kernel_quantize_bytes_body(const float *values, ptrdiff_t count, float inverse_scale, uint8_t zero_point,
                                       uint8_t *bytes) {
    const float least = -(float)zero_point, most = 255 - (float)zero_point;
    for (ptrdiff_t i = 0; i < count; i++) {
        float value = values[i] * inverse_scale;
        value = value > least ? value : least;
        value = value < most ? value : most;
        bytes[i] = (uint8_t)(rounded(value) + zero_point);
    }
}

KERNEL_VERSIONS(kernel_quantize_bytes,
                (const float *values, ptrdiff_t count, float inverse_scale, uint8_t zero_point, uint8_t *bytes),
                (values, count, inverse_scale, zero_point, bytes))

void kernel_quantize_byte_rows(const float *values, ptrdiff_t row_count, ptrdiff_t columns, float inverse_scale,
                               uint8_t zero_point, uint8_t *bytes, ptrdiff_t row_stride) {
    for (ptrdiff_t row = 0; row < row_count; row++, values += columns, bytes += row_stride) {
        kernel_quantize_bytes(values, columns, inverse_scale, zero_point, bytes);
        memset(bytes + columns, 0, (size_t)(row_stride - columns));
    }
}

/// Copies a run. A short one is copied as a whole cache line, whose rest is overwritten by the next run.
INLINE void copy_run(const uint8_t *source, ptrdiff_t count, uint8_t *target) {
    if (count <= KERNEL_BYTE_SLACK) memcpy(target, source, KERNEL_BYTE_SLACK);
    else memcpy(target, source, (size_t)count);
}

void kernel_im2row_bytes(const uint8_t *image, ptrdiff_t channels, const kernel_window *w, ptrdiff_t first,
                         ptrdiff_t count, uint8_t zero_point, uint8_t *rows, ptrdiff_t row_stride) {
    const ptrdiff_t run = w->kernel_width * channels;
    for (ptrdiff_t position = first; position < first + count; position++, rows += row_stride) {
        const ptrdiff_t top = position / w->output_width * w->stride_height - w->padding_height;
        const ptrdiff_t left = position % w->output_width * w->stride_width - w->padding_width;
        const bool is_inside = left >= 0 && left + w->kernel_width <= w->width && w->pixel_stride == channels;
        uint8_t *row = rows;
        for (ptrdiff_t y = top; y < top + w->kernel_height; y++, row += run) {
            if (y < 0 || y >= w->height) {
                memset(row, zero_point, (size_t)run);
                continue;
            }
            const uint8_t *source = image + y * w->width * w->pixel_stride;
            if (is_inside) {
                copy_run(source + left * channels, run, row);
                continue;
            }
            for (ptrdiff_t i = 0; i < w->kernel_width; i++) {
                const ptrdiff_t x = left + i;
                if (x >= 0 && x < w->width) {
                    memcpy(row + i * channels, source + x * w->pixel_stride, (size_t)channels);
                } else {
                    memset(row + i * channels, zero_point, (size_t)channels);
                }
            }
        }
        memset(row, 0, (size_t)(row_stride - (row - rows)));
    }
}

void kernel_pack_bytes(const float *rows, ptrdiff_t row_count, ptrdiff_t depth, int8_t *panels, float *scales,
                       int32_t *sums) {
    const ptrdiff_t padded_rows = (row_count + COLUMNS - 1) / COLUMNS * COLUMNS;
    const ptrdiff_t padded_depth = (depth + GROUP - 1) / GROUP * GROUP;
    memset(panels, 0, (size_t)(padded_rows * padded_depth));
    for (ptrdiff_t row = 0; row < padded_rows; row++) {
        scales[row] = 0;
        sums[row] = 0;
        if (row >= row_count) continue;
        const float *values = rows + row * depth;
        float largest = 0;
        for (ptrdiff_t k = 0; k < depth; k++) {
            const float magnitude = values[k] < 0 ? -values[k] : values[k];
            largest = magnitude > largest ? magnitude : largest;
        }
        const float scale = largest / 127;
        if (scale == 0) continue;
        scales[row] = scale;
        int8_t *target = panels + row / COLUMNS * COLUMNS * padded_depth + row % COLUMNS * GROUP;
        for (ptrdiff_t k = 0; k < depth; k++) {
            const int32_t number = rounded(values[k] / scale);
            // A tiny scale loses bits, so that the quotient may exceed 127.
            const int32_t clamped = number > 127 ? 127 : number < -127 ? -127 : number;
            target[k / GROUP * COLUMNS * GROUP + k % GROUP] = (int8_t)clamped;
            sums[row] += clamped;
        }
    }
}
