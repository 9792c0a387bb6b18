// Runs the checks: `checkkernels [--seeds N] [--first-seed N] [--time] [NAME…]`.

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

enum { REGIONS = 24, REGION_BYTES = 4 << 20, PAGE = 4096, PATTERN = 0xA5, MARGIN = 256 };

typedef struct {
    uint8_t *start;
    uint8_t *buffer;
    size_t used;
} region;

static region regions[REGIONS];
static int region_count;
static void *plains[64];
static int plain_count;
static sigjmp_buf after_fault;
static volatile sig_atomic_t is_calling;

static void fault(int signal) {
    if (is_calling) siglongjmp(after_fault, signal);
    _exit(128 + signal);
}

double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/// SplitMix64 (Steele, Lea and Flood 2014).
uint64_t next_random(context *c) {
    uint64_t z = c->random += 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
}

ptrdiff_t between(context *c, ptrdiff_t least, ptrdiff_t most) {
    return least + (ptrdiff_t)(next_random(c) % (uint64_t)(most - least + 1));
}

float modest(context *c) { return c->flavour == constant ? 0.75f : (float)between(c, -4000, 4000) / 512; }

void *guarded(context *c, size_t byte_count, size_t element) {
    if (region_count == REGIONS || byte_count + MARGIN + PAGE > REGION_BYTES) {
        fprintf(stderr, "%s: more or larger buffers than there is room for\n", c->name);
        exit(2);
    }
    region *r = &regions[region_count++];
    r->used = byte_count;
    switch (c->placement) {
    case at_end: r->buffer = r->start + REGION_BYTES - byte_count; break;
    case misaligned: r->buffer = r->start + element; break;
    default: r->buffer = r->start;
    }
    uint8_t *from = r->buffer - MARGIN < r->start ? r->start : r->buffer - MARGIN;
    uint8_t *to = r->buffer + byte_count + MARGIN;
    if (to > r->start + REGION_BYTES) to = r->start + REGION_BYTES;
    memset(from, PATTERN, (size_t)(to - from));
    return r->buffer;
}

void *plain(context *c, size_t byte_count) {
    (void)c;
    if (plain_count == 64) abort();
    return plains[plain_count++] = calloc(byte_count + 1, 1);
}

static void release(void) {
    region_count = 0;
    while (plain_count > 0) free(plains[--plain_count]);
}

void *guarded_copy(context *c, const void *source, size_t byte_count, size_t element) {
    void *copy = guarded(c, byte_count, element);
    memcpy(copy, source, byte_count);
    return copy;
}

static float random_float(context *c) {
    static const float extremes[] = {0, -0.0f, 1e-40f, -1e-38f, 1e15f, -1e15f, 3.4e10f, 1, -1, 0.5f, 65504, 127.5f, 0x1p-20f};
    const uint64_t bits = next_random(c);
    switch (c->flavour) {
    case extreme: return extremes[bits % (sizeof extremes / sizeof *extremes)];
    case constant: return 0.75f;
    default: return (float)((double)(int64_t)bits / 0x1p63 * 2);
    }
}

float *outputs(context *c, ptrdiff_t count) { return guarded(c, (size_t)count * sizeof(float), sizeof(float)); }

float *floats(context *c, ptrdiff_t count) {
    float *values = outputs(c, count);
    for (ptrdiff_t i = 0; i < count; i++) values[i] = random_float(c);
    return values;
}

uint8_t *bytes(context *c, ptrdiff_t count, ptrdiff_t slack) {
    uint8_t *values = guarded(c, (size_t)(count + slack), 1);
    for (ptrdiff_t i = 0; i < count; i++) {
        const uint64_t bits = next_random(c);
        values[i] = c->flavour == ordinary ? (uint8_t)bits : c->flavour == constant ? 255 : bits & 1 ? 255 : 0;
    }
    return values;
}

void about(context *c, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(c->what, sizeof c->what, format, arguments);
    va_end(arguments);
}

static const char *set_name(kernel_instruction_set set) {
    switch (set) {
    case kernel_portable: return "portable";
    case kernel_avx2: return "avx2";
    case kernel_avx512: return "avx512";
    case kernel_amx: return "amx";
    }
    return "?";
}

static void failed(context *c, const char *format, ...) {
    static const char *placements[] = {"at the end", "at the start", "misaligned"};
    static const char *flavours[] = {"ordinary", "extreme", "constant"};
    if (c->failures++ > 0) return;
    char message[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    printf("%s, %s, buffers %s, %s values, %s: %s\n", c->name, set_name(kernel_current_instruction_set()),
           placements[c->placement], flavours[c->flavour], c->what, message);
}

void same(context *c, const void *found, const void *expected, size_t byte_count, const char *of) {
    if (c->is_timing) return;
    const uint8_t *f = found, *e = expected;
    for (size_t i = 0; i < byte_count; i++) {
        if (f[i] != e[i]) return failed(c, "%s differ in byte %zu: %d instead of %d", of, i, f[i], e[i]);
    }
}

void same_floats(context *c, const float *found, const float *expected, ptrdiff_t count) {
    if (c->is_timing) return;
    for (ptrdiff_t i = 0; i < count; i++) {
        const bool is_same = found[i] == expected[i] || (isnan(found[i]) && isnan(expected[i]));
        if (!is_same) return failed(c, "element %td is %.9g instead of %.9g", i, (double)found[i], (double)expected[i]);
    }
}

void near(context *c, const float *found, const double *expected, const double *bounds, ptrdiff_t count) {
    if (c->is_timing) return;
    for (ptrdiff_t i = 0; i < count; i++) {
        if (!(fabs((double)found[i] - expected[i]) <= bounds[i])) {
            return failed(c, "element %td is %.9g instead of %.9g, which is more than %.3g off", i, (double)found[i],
                          expected[i], bounds[i]);
        }
    }
}

void gaps_untouched(context *c, const void *rows, ptrdiff_t row_count, ptrdiff_t used, ptrdiff_t stride) {
    if (c->is_timing) return;
    for (ptrdiff_t row = 0; row + 1 < row_count; row++) {
        const uint8_t *gap = (const uint8_t *)rows + row * stride;
        for (ptrdiff_t i = used; i < stride; i++) {
            if (gap[i] != PATTERN) return failed(c, "byte %td behind row %td was written", i - used, row);
        }
    }
}

void untouched(context *c) {
    for (int i = 0; i < region_count; i++) {
        const region *r = &regions[i];
        for (const uint8_t *p = r->buffer - MARGIN < r->start ? r->start : r->buffer - MARGIN; p < r->buffer; p++) {
            if (*p != PATTERN) return failed(c, "%td bytes before buffer %d were written", r->buffer - p, i);
        }
        const uint8_t *end = r->buffer + r->used, *last = end + MARGIN;
        if (last > r->start + REGION_BYTES) last = r->start + REGION_BYTES;
        for (const uint8_t *p = end; p < last; p++) {
            if (*p != PATTERN) return failed(c, "byte %td after buffer %d was written", p - end, i);
        }
    }
}

static void map(void) {
    for (int i = 0; i < REGIONS; i++) {
        uint8_t *memory = mmap(NULL, REGION_BYTES + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED || mprotect(memory + PAGE, REGION_BYTES, PROT_READ | PROT_WRITE) != 0) {
            perror("mmap");
            exit(2);
        }
        regions[i].start = memory + PAGE;
    }
}

/// Runs one check once; an access to a forbidden page fails it.
static void run(context *c, const check *check) {
    c->name = check->name;
    is_calling = 1;
    const int signal = sigsetjmp(after_fault, 1);
    if (signal == 0) check->run(c);
    else failed(c, signal == SIGILL ? "an instruction that this CPU does not have" : "it reads or writes outside of its buffers");
    is_calling = 0;
    release();
}

static const check *const groups[] = {elementwise_checks, byte_checks, convolution_checks, pooling_checks, linear_checks, training_checks};

static bool is_wanted(const char *name, char **names, int name_count) {
    for (int i = 0; i < name_count; i++) {
        if (strstr(name, names[i]) != NULL) return true;
    }
    return name_count == 0;
}

int main(int argument_count, char **arguments) {
    long seeds = 20, first_seed = 1;
    bool is_timing = false;
    int index = 1;
    for (; index < argument_count && arguments[index][0] == '-'; index++) {
        if (strcmp(arguments[index], "--time") == 0) is_timing = true;
        else if (strcmp(arguments[index], "--seeds") == 0 && index + 1 < argument_count) seeds = atol(arguments[++index]);
        else if (strcmp(arguments[index], "--first-seed") == 0 && index + 1 < argument_count) first_seed = atol(arguments[++index]);
        else return fprintf(stderr, "checkkernels [--seeds N] [--first-seed N] [--time] [NAME...]\n"), 64;
    }
    map();
    const struct sigaction action = {.sa_handler = fault, .sa_flags = SA_NODEFER};
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    sigaction(SIGILL, &action, NULL);

    const kernel_instruction_set widest = kernel_widest_instruction_set();
    printf("instruction sets:");
    for (int set = kernel_portable; set <= (int)widest; set++) printf(" %s", set_name((kernel_instruction_set)set));
    printf("\n");
    long check_count = 0, run_count = 0, failure_count = 0;
    for (size_t group = 0; group < sizeof groups / sizeof *groups; group++) {
        for (const check *check = groups[group]; check->name != NULL; check++) {
            if (!is_wanted(check->name, arguments + index, argument_count - index)) continue;
            check_count++;
            double times[kernel_amx + 1] = {0};
            bool has_failed = false;
            for (int set = kernel_portable; set <= (int)widest; set++) {
                kernel_limit_instruction_set((kernel_instruction_set)set);
                for (long seed = first_seed; seed < first_seed + seeds && !has_failed; seed++) {
                    for (int p = 0; p < placement_count; p++) {
                        for (int f = 0; f < flavour_count; f++) {
                            context c = {.placement = (placement)p, .flavour = (flavour)f, .random = (uint64_t)seed};
                            run(&c, check);
                            run_count++;
                            if (c.failures > 0) {
                                printf("  again: checkkernels --first-seed %ld --seeds 1 %s\n", seed, check->name);
                                has_failed = true;
                            }
                        }
                    }
                }
                context c = {.random = 1, .is_timing = true};
                if (is_timing) run(&c, check);
                times[set] = c.seconds;
            }
            failure_count += has_failed;
            if (is_timing) {
                printf("%-40s", check->name);
                for (int set = kernel_portable; set <= (int)widest; set++) {
                    printf(" %s %9.2f us", set_name((kernel_instruction_set)set), times[set] * 1e6);
                }
                printf("\n");
            }
        }
    }
    printf("%ld kernels, %ld runs; %ld failed\n", check_count, run_count, failure_count);
    return failure_count > 0;
}
