// The horizontal pass of image resizing.
//
// A 22-bit weight is split into two halves of 11 bits, so that instructions that multiply and add pairs of 16-bit
// numbers (PMADDWD) can be used. Shuffles pair neighbouring pixels of one channel. Each pair is multiplied by both
// halves of the weights, and the two sums are combined at the end. All sums are exact modulo 2³², so the result equals
// that of unsplit weights.

#include "resize.h"

#include <string.h>

#include "multiversion.h"

enum { fraction_bits = 22, low_bits = 11, group_values = RESIZE_GROUP * 2 * RESIZE_STEP };

void resize_pack(const int32_t *weights, ptrdiff_t output_count, ptrdiff_t tap_count, int16_t *packed) {
    const ptrdiff_t step_count = tap_count / RESIZE_STEP;
    memset(packed, 0, sizeof *packed * (size_t)((output_count + 3) / 4 * step_count * group_values));
    for (ptrdiff_t x = 0; x < output_count; x++) {
        int16_t *group = packed + x / 4 * step_count * group_values + x % 4 * 8;
        for (ptrdiff_t tap = 0; tap < tap_count; tap++) {
            const int32_t weight = weights[x * tap_count + tap];
            int16_t *place = group + tap / 4 * group_values + tap % 4;
            place[0] = (int16_t)(weight & ((1 << low_bits) - 1));
            place[4] = (int16_t)(weight >> low_bits);
        }
    }
}

INLINE uint8_t clip(int32_t sum) {
    const int32_t value = sum >> fraction_bits;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

static void rows_rgb_portable(const uint8_t *input, ptrdiff_t input_stride, ptrdiff_t row_count,
                              const resize_columns *columns, int32_t swaps, uint8_t *output, ptrdiff_t output_stride) {
    typedef int32_t int32x4 __attribute__((vector_size(16)));
    typedef uint8_t uint8x4 __attribute__((vector_size(4)));
    const int first = swaps ? 2 : 0, last = 2 - first;
    for (ptrdiff_t y = 0; y < row_count; y++) {
        uint8_t *to = output + y * output_stride;
        for (ptrdiff_t x = 0; x < columns->output_count; x++, to += 3) {
            const int32_t *weight = columns->weights + x * columns->tap_count;
            const uint8_t *pixel = input + y * input_stride + 3 * (ptrdiff_t)columns->starts[x];
            int32x4 sum = {RESIZE_HALF, RESIZE_HALF, RESIZE_HALF, 0};
            for (ptrdiff_t tap = 0; tap < columns->tap_count; tap++) {
                // Loads four bytes where three are needed: rows have slack at the end.
                uint8x4 bytes;
                memcpy(&bytes, pixel + 3 * tap, 4);
                sum += __builtin_convertvector(bytes, int32x4) * weight[tap];
            }
            to[first] = clip(sum[0]);
            to[1] = clip(sum[1]);
            to[last] = clip(sum[2]);
        }
    }
}

#if defined(__x86_64__)
#include <immintrin.h>

/// Shuffle mask for the pairs of taps (0, 1), then (2, 3), in twelve bytes: red, green, blue, unused.
#define SPREAD(r, g, b)                                                                                                \
    (r), -1, (r) + 3, -1, (g), -1, (g) + 3, -1, (b), -1, (b) + 3, -1, -1, -1, -1, -1
static const int8_t spreads[2][2][16] = {
    {{SPREAD(0, 1, 2)}, {SPREAD(6, 7, 8)}},
    {{SPREAD(2, 1, 0)}, {SPREAD(8, 7, 6)}},
};
/// Shuffle mask that packs four outputs of four bytes to three bytes each.
static const int8_t gathering[16] = {0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1};

INLINE __m128i load16(const void *bytes) { return _mm_loadu_si128((const __m128i *)bytes); }

/// Stores twelve output bytes and four more. The next store overwrites those four, or they are in the slack.
INLINE void store_outputs(uint8_t *output, __m128i outputs) {
    _mm_storeu_si128((__m128i *)output, outputs);
}

/// Computes four outputs of each of `rows` rows, one in each 128-bit lane.
AVX512 static inline __attribute__((always_inline)) void group_avx512(
    const uint8_t *input, ptrdiff_t input_stride, int rows, const int32_t *starts, const int16_t *packed,
    ptrdiff_t step_count, __m512i spread_a, __m512i spread_b, uint8_t *output, ptrdiff_t output_stride) {
    const ptrdiff_t at0 = 3 * (ptrdiff_t)starts[0], at1 = 3 * (ptrdiff_t)starts[1], at2 = 3 * (ptrdiff_t)starts[2],
                    at3 = 3 * (ptrdiff_t)starts[3];
    __m512i low[4], high[4];
    for (int r = 0; r < rows; r++) {
        low[r] = _mm512_set1_epi32(RESIZE_HALF);
        high[r] = _mm512_setzero_si512();
    }
    for (ptrdiff_t step = 0; step < step_count; step++) {
        const __m512i weights = _mm512_loadu_si512(packed + step * group_values);
        const __m512i low_a = _mm512_shuffle_epi32(weights, 0x00), low_b = _mm512_shuffle_epi32(weights, 0x55);
        const __m512i high_a = _mm512_shuffle_epi32(weights, 0xAA), high_b = _mm512_shuffle_epi32(weights, 0xFF);
        for (int r = 0; r < rows; r++) {
            const uint8_t *row = input + r * input_stride + 12 * step;
            __m512i bytes = _mm512_castsi128_si512(load16(row + at0));
            bytes = _mm512_mask_broadcast_i32x4(bytes, 0x00F0, load16(row + at1));
            bytes = _mm512_mask_broadcast_i32x4(bytes, 0x0F00, load16(row + at2));
            bytes = _mm512_mask_broadcast_i32x4(bytes, 0xF000, load16(row + at3));
            const __m512i a = _mm512_shuffle_epi8(bytes, spread_a), b = _mm512_shuffle_epi8(bytes, spread_b);
            low[r] = _mm512_add_epi32(low[r], _mm512_madd_epi16(a, low_a));
            high[r] = _mm512_add_epi32(high[r], _mm512_madd_epi16(a, high_a));
            low[r] = _mm512_add_epi32(low[r], _mm512_madd_epi16(b, low_b));
            high[r] = _mm512_add_epi32(high[r], _mm512_madd_epi16(b, high_b));
        }
    }
    for (int r = 0; r < rows; r++) {
        const __m512i sum = _mm512_add_epi32(low[r], _mm512_slli_epi32(high[r], low_bits));
        const __m128i outputs = _mm512_cvtusepi32_epi8(_mm512_srai_epi32(sum, fraction_bits));
        store_outputs(output + r * output_stride, _mm_shuffle_epi8(outputs, load16(gathering)));
    }
}

AVX512 static void rows_rgb_avx512(const uint8_t *input, ptrdiff_t input_stride, ptrdiff_t row_count,
                                   const resize_columns *columns, int32_t swaps, uint8_t *output,
                                   ptrdiff_t output_stride) {
    const __m512i spread_a = _mm512_broadcast_i32x4(load16(spreads[swaps != 0][0]));
    const __m512i spread_b = _mm512_broadcast_i32x4(load16(spreads[swaps != 0][1]));
    const ptrdiff_t step_count = columns->tap_count / RESIZE_STEP;
    ptrdiff_t y = 0;
    while (y < row_count) {
        const uint8_t *from = input + y * input_stride;
        uint8_t *to = output + y * output_stride;
        const int32_t *starts = columns->starts;
        const int16_t *packed = columns->packed;
        const ptrdiff_t rows = row_count - y >= 4 ? 4 : 1;
        for (ptrdiff_t x = 0; x < columns->output_count;
             x += 4, starts += 4, packed += step_count * group_values, to += 12) {
            if (rows == 4) {
                group_avx512(from, input_stride, 4, starts, packed, step_count, spread_a, spread_b, to, output_stride);
            } else {
                group_avx512(from, input_stride, 1, starts, packed, step_count, spread_a, spread_b, to, output_stride);
            }
        }
        y += rows;
    }
}

/// Computes two outputs of each of `rows` rows, one in each 128-bit lane.
AVX2 static inline __attribute__((always_inline)) void group_avx2(
    const uint8_t *input, ptrdiff_t input_stride, int rows, const int32_t *starts, const int16_t *packed,
    ptrdiff_t step_count, __m256i spread_a, __m256i spread_b, uint8_t *output, ptrdiff_t output_stride) {
    const ptrdiff_t at0 = 3 * (ptrdiff_t)starts[0], at1 = 3 * (ptrdiff_t)starts[1];
    __m256i low[2], high[2];
    for (int r = 0; r < rows; r++) {
        low[r] = _mm256_set1_epi32(RESIZE_HALF);
        high[r] = _mm256_setzero_si256();
    }
    for (ptrdiff_t step = 0; step < step_count; step++) {
        const __m256i weights = _mm256_loadu_si256((const __m256i *)(packed + step * group_values));
        const __m256i low_a = _mm256_shuffle_epi32(weights, 0x00), low_b = _mm256_shuffle_epi32(weights, 0x55);
        const __m256i high_a = _mm256_shuffle_epi32(weights, 0xAA), high_b = _mm256_shuffle_epi32(weights, 0xFF);
        for (int r = 0; r < rows; r++) {
            const uint8_t *row = input + r * input_stride + 12 * step;
            const __m256i bytes =
                _mm256_inserti128_si256(_mm256_castsi128_si256(load16(row + at0)), load16(row + at1), 1);
            const __m256i a = _mm256_shuffle_epi8(bytes, spread_a), b = _mm256_shuffle_epi8(bytes, spread_b);
            low[r] = _mm256_add_epi32(low[r], _mm256_madd_epi16(a, low_a));
            high[r] = _mm256_add_epi32(high[r], _mm256_madd_epi16(a, high_a));
            low[r] = _mm256_add_epi32(low[r], _mm256_madd_epi16(b, low_b));
            high[r] = _mm256_add_epi32(high[r], _mm256_madd_epi16(b, high_b));
        }
    }
    for (int r = 0; r < rows; r++) {
        const __m256i sum =
            _mm256_srai_epi32(_mm256_add_epi32(low[r], _mm256_slli_epi32(high[r], low_bits)), fraction_bits);
        const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
        const __m128i outputs = _mm_shuffle_epi8(_mm_packus_epi16(words, words), load16(gathering));
        store_outputs(output + r * output_stride, outputs);
    }
}

AVX2 static void rows_rgb_avx2(const uint8_t *input, ptrdiff_t input_stride, ptrdiff_t row_count,
                               const resize_columns *columns, int32_t swaps, uint8_t *output,
                               ptrdiff_t output_stride) {
    const __m256i spread_a = _mm256_broadcastsi128_si256(load16(spreads[swaps != 0][0]));
    const __m256i spread_b = _mm256_broadcastsi128_si256(load16(spreads[swaps != 0][1]));
    const ptrdiff_t step_count = columns->tap_count / RESIZE_STEP;
    ptrdiff_t y = 0;
    while (y < row_count) {
        const uint8_t *from = input + y * input_stride;
        uint8_t *to = output + y * output_stride;
        const ptrdiff_t rows = row_count - y >= 2 ? 2 : 1;
        for (ptrdiff_t x = 0; x < columns->output_count; x += 2, to += 6) {
            const int32_t *starts = columns->starts + x;
            const int16_t *packed = columns->packed + x / 4 * step_count * group_values + x % 4 * 8;
            if (rows == 2) {
                group_avx2(from, input_stride, 2, starts, packed, step_count, spread_a, spread_b, to, output_stride);
            } else {
                group_avx2(from, input_stride, 1, starts, packed, step_count, spread_a, spread_b, to, output_stride);
            }
        }
        y += rows;
    }
}
#endif

void resize_rows_rgb(const uint8_t *input, ptrdiff_t input_stride, ptrdiff_t row_count, const resize_columns *columns,
                     int32_t swaps_red_and_blue, uint8_t *output, ptrdiff_t output_stride) {
#if defined(__x86_64__)
    switch (kernel_current_instruction_set()) {
    case kernel_amx:
    case kernel_avx512:
        rows_rgb_avx512(input, input_stride, row_count, columns, swaps_red_and_blue, output, output_stride);
        return;
    case kernel_avx2:
        rows_rgb_avx2(input, input_stride, row_count, columns, swaps_red_and_blue, output, output_stride);
        return;
    case kernel_portable: break;
    }
#endif
    rows_rgb_portable(input, input_stride, row_count, columns, swaps_red_and_blue, output, output_stride);
}

INLINE void resize_rows_grey_body(const uint8_t *input, ptrdiff_t input_stride, ptrdiff_t row_count,
                                  const resize_columns *columns, uint8_t *output, ptrdiff_t output_stride) {
    typedef int32_t int32x4 __attribute__((vector_size(16)));
    typedef uint8_t uint8x4 __attribute__((vector_size(4)));
    for (ptrdiff_t y = 0; y < row_count; y++) {
        for (ptrdiff_t x = 0; x < columns->output_count; x++) {
            const int32_t *weight = columns->weights + x * columns->tap_count;
            const uint8_t *pixel = input + y * input_stride + columns->starts[x];
            int32x4 sums = {RESIZE_HALF, 0, 0, 0};
            for (ptrdiff_t tap = 0; tap < columns->tap_count; tap += 4) {
                uint8x4 bytes;
                int32x4 weights;
                memcpy(&bytes, pixel + tap, 4);
                memcpy(&weights, weight + tap, 16);
                sums += __builtin_convertvector(bytes, int32x4) * weights;
            }
            output[y * output_stride + x] = clip(sums[0] + sums[1] + sums[2] + sums[3]);
        }
    }
}

KERNEL_VERSIONS(resize_rows_grey,
                (const uint8_t *input, ptrdiff_t input_stride, ptrdiff_t row_count, const resize_columns *columns,
                 uint8_t *output, ptrdiff_t output_stride),
                (input, input_stride, row_count, columns, output, output_stride))
