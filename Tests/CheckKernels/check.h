#pragma once

#include <CKernels.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// A harness for the kernels of CKernels, in the manner of dav1d's checkasm: each is run on every instruction set that this CPU has,
// and compared with plain C written from its description. Every buffer ends, or begins, at a page that may not be touched, and is
// surrounded by bytes that must not change.

/// Where a buffer lies between its two forbidden pages.
typedef enum {
    /// Its last byte is the last before the page.
    at_end,
    /// Its first byte is the first after the page.
    at_start,
    /// One element after that: aligned to nothing but its elements.
    misaligned,
    placement_count,
} placement;

/// What random values are like.
typedef enum { ordinary, extreme, constant, flavour_count } flavour;

/// One run of one check.
typedef struct {
    const char *name;
    placement placement;
    flavour flavour;
    uint64_t random;
    /// Whether kernels are timed, and results not compared.
    bool is_timing;
    double seconds;
    /// What is being checked, for messages.
    char what[160];
    int failures;
} context;

uint64_t next_random(context *c);
/// A number of `least...most`.
ptrdiff_t between(context *c, ptrdiff_t least, ptrdiff_t most);

/// A number whose squares and sums are far from what float32 cannot hold; constant where the run's values are.
float modest(context *c);

/// Memory between forbidden pages, filled with a pattern; it is the next check's after this one.
void *guarded(context *c, size_t byte_count, size_t element);
/// Ordinary memory for references.
void *plain(context *c, size_t byte_count);
/// Guarded memory for `count` floats, or bytes, with random values; `slack` bytes more may be read or written.
float *floats(context *c, ptrdiff_t count);
float *outputs(context *c, ptrdiff_t count);
uint8_t *bytes(context *c, ptrdiff_t count, ptrdiff_t slack);
/// A copy in guarded memory.
void *guarded_copy(context *c, const void *source, size_t byte_count, size_t element);

/// Says what is being checked.
void about(context *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/// Fails unless the bytes are equal.
void same(context *c, const void *found, const void *expected, size_t byte_count, const char *of);
/// Fails unless the floats are equal, where NaN equals NaN and -0 equals 0.
void same_floats(context *c, const float *found, const float *expected, ptrdiff_t count);
/// Fails unless each float is within its bound of what is expected.
void near(context *c, const float *found, const double *expected, const double *bounds, ptrdiff_t count);
/// Fails if a byte around the buffers has changed, or one of `stride - used` bytes between rows.
void untouched(context *c);
void gaps_untouched(context *c, const void *rows, ptrdiff_t row_count, ptrdiff_t used, ptrdiff_t stride);

double now(void);

/// Calls a kernel; in a timed run again and again.
#define CALL(c, call)                                                                                                  \
    do {                                                                                                               \
        if (!(c)->is_timing) {                                                                                         \
            call;                                                                                                      \
            untouched(c);                                                                                              \
        } else {                                                                                                       \
            call;                                                                                                      \
            const double begin_ = now();                                                                               \
            for (int i_ = 0; i_ < 8; i_++) call;                                                                       \
            (c)->seconds += (now() - begin_) / 8;                                                                      \
        }                                                                                                              \
    } while (0)

typedef struct {
    const char *name;
    void (*run)(context *);
} check;

extern const check elementwise_checks[], byte_checks[], convolution_checks[], pooling_checks[], linear_checks[], training_checks[];
