#pragma once

/// The instruction sets that the kernels are built for, each wider than the one before. One binary holds them all.
typedef enum {
    /// What every CPU of the architecture has: SSE2 on x86-64, NEON on arm64.
    kernel_portable,
    /// AVX2, FMA and F16C: Intel since Haswell, AMD since Excavator.
    kernel_avx2,
    /// AVX-512 F, BW, DQ and VL: Intel since Skylake-SP, AMD since Zen 4.
    kernel_avx512,
    /// AVX-512 with VNNI, and AMX tiles of bytes: Intel since Sapphire Rapids, if the operating system lends a process the
    /// registers.
    kernel_amx,
} kernel_instruction_set;

/// The instruction set in use: the widest of this CPU, or the limit that was set last.
kernel_instruction_set kernel_current_instruction_set(void);

/// The widest instruction set of this CPU.
kernel_instruction_set kernel_widest_instruction_set(void);

/// Limits all threads to instruction sets no wider than `limit` from now on.
void kernel_limit_instruction_set(kernel_instruction_set limit);
