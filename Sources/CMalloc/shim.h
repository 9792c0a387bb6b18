#pragma once

// glibc's malloc settings (mallopt), which Swift's Glibc module lacks.
#if defined(__GLIBC__) || __has_include(<gnu/libc-version.h>)
#include <malloc.h>
#endif
