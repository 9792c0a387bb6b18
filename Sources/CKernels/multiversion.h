#pragma once

#include "instruction_set.h"

// Function multiversioning: a kernel is written once, as `name_body`, and compiled for each instruction set. The
// version is chosen at each call, so one binary fits every CPU. Bodies use GNU vectors and plain loops, which the
// compiler vectorises.

/// For bodies and their helpers: they must be inlined into a function with the right target attribute.
#define INLINE static inline __attribute__((always_inline))

/// For code that must not be copied to each of its callers.
#define NOINLINE __attribute__((noinline))

/// The square root as one instruction; a call of libm's would have to set `errno`.
#define SQUARE_ROOT(x) __builtin_elementwise_sqrt(x)

/// For loops over registers; their bounds are constants once the body is inlined.
#define UNROLL _Pragma("clang loop unroll(full)")

#if defined(__x86_64__)
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")))
#define AVX2 __attribute__((target("avx2,fma,f16c")))

/// Defines `void name parameters`, which calls `name_body arguments`.
///
///     INLINE void kernel_double_body(float *values, ptrdiff_t count) { … }
///     KERNEL_VERSIONS(kernel_double, (float *values, ptrdiff_t count), (values, count))
#define KERNEL_VERSIONS(name, parameters, arguments)                                                                   \
    AVX512 static void name##_avx512 parameters { name##_body arguments; }                                             \
    AVX2 static void name##_avx2 parameters { name##_body arguments; }                                                 \
    static void name##_portable parameters { name##_body arguments; }                                                  \
    void name parameters {                                                                                             \
        switch (kernel_current_instruction_set()) {                                                                    \
        case kernel_amx:                                                                                               \
        case kernel_avx512: name##_avx512 arguments; break;                                                            \
        case kernel_avx2: name##_avx2 arguments; break;                                                                \
        case kernel_portable: name##_portable arguments; break;                                                        \
        }                                                                                                              \
    }
#else
#define KERNEL_VERSIONS(name, parameters, arguments)                                                                   \
    void name parameters { name##_body arguments; }
#endif
