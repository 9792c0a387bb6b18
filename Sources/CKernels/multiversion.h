#pragma once

// One binary for every x86-64: the loader picks the widest version the CPU has (GNU indirect functions).
#if defined(__x86_64__) && defined(__ELF__)
#define KERNEL_MULTIVERSION __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define KERNEL_MULTIVERSION
#endif
