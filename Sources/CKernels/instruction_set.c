// Detects the CPU's widest instruction set and stores the limit, which holds for the whole process.

#include "instruction_set.h"

#include <stdatomic.h>

static atomic_int limit = kernel_avx512;

kernel_instruction_set kernel_widest_instruction_set(void) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")
        && __builtin_cpu_supports("avx512vl")) {
        return kernel_avx512;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c")) {
        return kernel_avx2;
    }
#endif
    return kernel_portable;
}

kernel_instruction_set kernel_current_instruction_set(void) {
    const kernel_instruction_set widest = kernel_widest_instruction_set();
    const int most = atomic_load_explicit(&limit, memory_order_relaxed);
    return most < (int)widest ? (kernel_instruction_set)most : widest;
}

void kernel_limit_instruction_set(kernel_instruction_set most) {
    atomic_store_explicit(&limit, (int)most, memory_order_relaxed);
}
