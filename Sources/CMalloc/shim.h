#pragma once

// glibc's own heap settings, which Swift's Glibc leaves out.
#if defined(__GLIBC__) || __has_include(<gnu/libc-version.h>)
#include <malloc.h>
#endif
