#pragma once

// What Swift's Glibc leaves out: the kernel's ways to wait for many sockets at once and to be woken meanwhile, and a thread's name.
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

// Declared by glibc only for those who ask for GNU's extensions (pthread_setname_np(3)).
int pthread_setname_np(pthread_t thread, const char *name);
