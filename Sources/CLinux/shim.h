#pragma once

// What Swift's Glibc leaves out: the kernel's ways to wait for many sockets at once and to be woken meanwhile, and a thread's name.
#ifdef __linux__
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

// Declared by glibc only for those who ask for GNU's extensions (pthread_setname_np(3)).
int pthread_setname_np(pthread_t thread, const char *name);
#endif

// Tells the CPU that this thread polls memory: it saves power, and the other thread of the core runs faster.
static inline void cpu_relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}
