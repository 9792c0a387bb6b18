// Detects the CPU's widest instruction set and stores the limit, which holds for the whole process.

#include "instruction_set.h"

#include <stdatomic.h>
#include <stdbool.h>

#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

static atomic_int limit = kernel_amx;

#if defined(__x86_64__)
/// Asks the operating system for the tile registers, once: they take 8 KiB of each thread's saved state.
///
/// - Source: Linux, Documentation/arch/x86/xstate.rst.
static bool has_tiles(void) {
#if defined(__linux__)
    enum { UNKNOWN, YES, NO };
    enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
    static atomic_int answer = UNKNOWN;
    int known = atomic_load_explicit(&answer, memory_order_relaxed);
    if (known == UNKNOWN) {
        const bool is_granted = __builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-int8")
                                && syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
        known = is_granted ? YES : NO;
        atomic_store_explicit(&answer, known, memory_order_relaxed);
    }
    return known == YES;
#else
    return false;
#endif
}
#endif

kernel_instruction_set kernel_widest_instruction_set(void) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")
        && __builtin_cpu_supports("avx512vl")) {
        return __builtin_cpu_supports("avx512vnni") && has_tiles() ? kernel_amx : kernel_avx512;
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
