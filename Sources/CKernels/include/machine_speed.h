#pragma once

#include <stddef.h>
#include <stdint.h>

// Loops that do nothing but what is measured: the limits of this machine, to which layers are compared.

/// Computes float32 multiply-adds in registers, in enough independent chains that their latency is hidden.
///
/// - Returns: how many multiply-adds were computed in `rounds` rounds.
int64_t kernel_repeat_multiply_adds(ptrdiff_t rounds);

/// Reads memory from its first to its last byte, and returns the sum of its 64-bit words. `byte_count` is a multiple of
/// 256.
uint64_t kernel_read_memory(const void *memory, ptrdiff_t byte_count);
