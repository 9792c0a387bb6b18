// The fastest float32 arithmetic and the fastest reading of memory.

#include "machine_speed.h"

#include <string.h>

#include "multiversion.h"

enum { WIDTH = 16, MOST_CHAINS = 24, WORDS = 8, STREAMS = 4 };

typedef float lanes __attribute__((vector_size(WIDTH * sizeof(float))));
typedef uint64_t words __attribute__((vector_size(WORDS * sizeof(uint64_t)), aligned(8)));

/// `chains` is a constant once this is inlined: as many vectors of sixteen floats as the registers hold, less two.
INLINE int64_t repeat_multiply_adds(ptrdiff_t rounds, int chains) {
    lanes sums[MOST_CHAINS];
    UNROLL
    for (int chain = 0; chain < chains; chain++) sums[chain] = (lanes){0} + (float)chain;
    // The compiler does not know these values, so it computes every multiply-add.
    float factor = 0.5f, summand = 0.25f;
    __asm__("" : "+x"(factor), "+x"(summand));
    const lanes factors = (lanes){0} + factor, summands = (lanes){0} + summand;
    for (ptrdiff_t round = 0; round < rounds; round++) {
        UNROLL
        for (int chain = 0; chain < chains; chain++) sums[chain] = sums[chain] * factors + summands;
    }
    lanes total = {0};
    UNROLL
    for (int chain = 0; chain < chains; chain++) total += sums[chain];
    volatile float sink = total[0];
    (void)sink;
    return (int64_t)rounds * chains * WIDTH;
}

#if defined(__x86_64__)
AVX512 static int64_t repeat_multiply_adds_avx512(ptrdiff_t rounds) { return repeat_multiply_adds(rounds, 24); }
AVX2 static int64_t repeat_multiply_adds_avx2(ptrdiff_t rounds) { return repeat_multiply_adds(rounds, 6); }
#endif

int64_t kernel_repeat_multiply_adds(ptrdiff_t rounds) {
#if defined(__x86_64__)
    switch (kernel_current_instruction_set()) {
    case kernel_amx:
    case kernel_avx512: return repeat_multiply_adds_avx512(rounds);
    case kernel_avx2: return repeat_multiply_adds_avx2(rounds);
    case kernel_portable: break;
    }
#endif
    return repeat_multiply_adds(rounds, 3);
}

INLINE void read_memory_body(const void *memory, ptrdiff_t byte_count, uint64_t *sum) {
    const char *bytes = memory;
    words sums[STREAMS] = {0};
    for (ptrdiff_t offset = 0; offset < byte_count; offset += sizeof sums) {
        UNROLL
        for (int stream = 0; stream < STREAMS; stream++) {
            words values;
            memcpy(&values, bytes + offset + stream * sizeof values, sizeof values);
            sums[stream] += values;
        }
    }
    const words total = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    *sum = 0;
    for (int word = 0; word < WORDS; word++) *sum += total[word];
}

KERNEL_VERSIONS(read_memory, (const void *memory, ptrdiff_t byte_count, uint64_t *sum), (memory, byte_count, sum))

uint64_t kernel_read_memory(const void *memory, ptrdiff_t byte_count) {
    uint64_t sum;
    read_memory(memory, byte_count, &sum);
    return sum;
}
