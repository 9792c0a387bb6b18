#pragma once

#include <cblas.h>
#include <stdlib.h>

// What libraries that have kernels for several CPUs choose them with while they are loaded. Not in <cblas.h>, and absent from
// libraries that were built for one CPU.
extern void gotoblas_dynamic_quit(void) __attribute__((weak));
extern void gotoblas_dynamic_init(void) __attribute__((weak));

/// Makes OpenBLAS choose its kernels anew, as if `OPENBLAS_CORETYPE` were `core`. Call it before other threads are started: it
/// changes the environment for a moment, and no product may be under way.
///
/// - Source: OpenBLAS, driver/others/dynamic.c.
static inline void openblas_choose_core(const char *core) {
    static const char variable[] = "OPENBLAS_CORETYPE";
    if (!gotoblas_dynamic_quit || !gotoblas_dynamic_init || getenv(variable)) return;
    if (setenv(variable, core, 1) != 0) return;
    gotoblas_dynamic_quit();
    gotoblas_dynamic_init();
    unsetenv(variable);
}
