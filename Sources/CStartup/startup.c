// Checks that this process may start enough threads, before any library tries.
//
// OpenBLAS starts one thread per core but one while it is loaded, before main, and kills the process by SIGINT if that
// fails. So the threads are tried before any constructor runs, and the process exits with one sentence if they are
// refused. That early, only the C library's wrappers of system calls are usable.
//
// Source: ELF gABI, "Initialization and Termination Functions" (DT_PREINIT_ARRAY); clone(2), futex(2).

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED 1
#endif
#endif

// Sanitizers' runtimes are not initialised that early.
#if defined(__linux__) && !defined(IS_SANITIZED)
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

// The most threads that are tried: OpenBLAS has a limit of its own.
#define MOST_THREADS 128
// The least that Dispatch and Swift need. ThreadSupply checks the full number once the configuration is known.
#define LEAST_THREADS 4
// Stack of a trial thread, which only waits and exits. Units: bytes.
#define STACK_SIZE 8192

static int gate;
static int thread_ids[MOST_THREADS];

static int pass_gate(void *unused) {
    (void)unused;
    while (!__atomic_load_n(&gate, __ATOMIC_ACQUIRE)) syscall(SYS_futex, &gate, FUTEX_WAIT, 0, NULL, NULL, 0);
    syscall(SYS_exit, 0);
    return 0;
}

// Starts `count` threads that exist at the same time, then ends them. Returns how many could be started; `code` is the
// error number if that is fewer.
static int try_threads(int count, int *code) {
    char *stacks = mmap(NULL, (size_t)count * STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stacks == MAP_FAILED) {
        *code = errno;
        return 0;
    }
    const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM
        | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
    int found = 0;
    while (found < count) {
        char *top = stacks + (size_t)(found + 1) * STACK_SIZE;
        if (clone(pass_gate, top, flags, NULL, &thread_ids[found], NULL, &thread_ids[found]) < 0) {
            *code = errno;
            break;
        }
        found += 1;
    }
    __atomic_store_n(&gate, 1, __ATOMIC_RELEASE);
    syscall(SYS_futex, &gate, FUTEX_WAKE, count, NULL, NULL, 0);
    for (int index = 0; index < found; index++) {
        int thread;
        while ((thread = __atomic_load_n(&thread_ids[index], __ATOMIC_ACQUIRE)) != 0)
            syscall(SYS_futex, &thread_ids[index], FUTEX_WAIT, thread, NULL, NULL, 0);
    }
    munmap(stacks, (size_t)count * STACK_SIZE);
    return found;
}

typedef struct {
    char bytes[1024];
    size_t count;
} Text;

static void add(Text *text, const char *words) {
    size_t count = strlen(words);
    if (count > sizeof text->bytes - text->count) count = sizeof text->bytes - text->count;
    memcpy(text->bytes + text->count, words, count);
    text->count += count;
}

static void add_number(Text *text, int number) {
    char digits[12];
    char *start = digits + sizeof digits;
    *--start = 0;
    do { *--start = (char)('0' + number % 10); } while (number /= 10);
    add(text, start);
}

// Reports the failure as the command would: `doctor` as a finding on standard output, others as a sentence on standard
// error.
static void tell(int argc, char **argv, int found, int wanted, int code) {
    const char *reason = code == EPERM ? "Operation not permitted" : code == EAGAIN ? "Resource temporarily unavailable" : "no memory";
    const char *advice = code == EPERM
        ? "et the sandbox permit clone3 and clone, with a newer container runtime or another seccomp profile"
        : "aise the limit of processes (ulimit -u, TasksMax= of systemd, --pids-limit of a container)";
    const int is_doctor = argc > 1 && strcmp(argv[1], "doctor") == 0;
    int is_json = 0;
    for (int index = 1; index < argc; index++) is_json |= strcmp(argv[index], "--json") == 0;
    Text text = {.count = 0};
    if (is_doctor) {
        add(&text, is_json ? "{\"advice\":\"" : "failed   new threads       ");
        if (is_json) {
            add(&text, code == EPERM ? "L" : "R");
            add(&text, advice);
            add(&text, ".\",\"check\":\"new threads\",\"found\":\"");
        }
        add_number(&text, found);
        add(&text, " of the ");
        add_number(&text, wanted);
        add(&text, " that are needed can be started");
        if (is_json) {
            add(&text, "\",\"status\":\"failed\"}\n");
        } else {
            add(&text, code == EPERM ? ". L" : ". R");
            add(&text, advice);
            add(&text, ".\n");
        }
    } else {
        add(&text, "alexnet: this process may start ");
        if (found == 0) {
            add(&text, "no thread");
        } else {
            add(&text, "only ");
            add_number(&text, found);
            add(&text, " more");
        }
        add(&text, " where it needs ");
        add_number(&text, wanted);
        add(&text, " (");
        add(&text, reason);
        add(&text, code == EPERM ? "); l" : "); r");
        add(&text, advice);
        add(&text, "\n");
    }
    // A failure to write cannot be reported anywhere.
    if (write(is_doctor ? STDOUT_FILENO : STDERR_FILENO, text.bytes, text.count) < 0) return;
}

static int is_set(char **environment, const char *name) {
    const size_t count = strlen(name);
    for (; environment && *environment; environment++)
        if (strncmp(*environment, name, count) == 0 && (*environment)[count] == '=') return 1;
    return 0;
}

static void check_threads(int argc, char **argv, char **environment) {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    int wanted = LEAST_THREADS;
    if (!is_set(environment, "OPENBLAS_NUM_THREADS") && sched_getaffinity(0, sizeof cpus, &cpus) == 0) {
        const int count = CPU_COUNT(&cpus);
        if (count > wanted) wanted = count;
    }
    if (wanted > MOST_THREADS) wanted = MOST_THREADS;
    int code = 0, found = 0;
#if defined(SYS_clone3)
    // A call without arguments fails for its arguments if clone3 is permitted. If it is unknown (ENOSYS), the C library
    // uses clone.
    if (syscall(SYS_clone3, NULL, 0) < 0 && errno != EINVAL && errno != EFAULT && errno != ENOSYS) code = errno;
#endif
    if (code == 0) found = try_threads(wanted, &code);
    if (code == 0) return;
    tell(argc, argv, found, wanted, code);
    _exit(1);
}

__attribute__((section(".preinit_array"), used)) static void (*const check_threads_first)(int, char **, char **) = check_threads;
#endif
