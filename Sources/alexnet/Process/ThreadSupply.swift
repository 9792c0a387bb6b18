import Host
import Inference
import Server
import Threads

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Checks that the system allows as many threads as a command needs.
///
/// Dispatch and Foundation do not report that a thread could not be created: they retry forever, and the command would
/// hang and ignore SIGTERM. The check therefore uses pthreads directly. `CStartup` has checked for a few threads before
/// any library was initialised. This check starts all that are needed, with their stacks.
enum ThreadSupply {
    /// The system allows fewer threads than needed.
    struct Shortage: Error, Equatable, CustomStringConvertible {
        /// The number of threads that could be started, besides those that run already.
        let found: Int
        /// The number of threads that are needed.
        let wanted: Int
        /// The error of pthread_create(3).
        let code: Int32

        var description: String {
            "this process can start \(found == 0 ? "no threads" : "only \(found) threads"), but it needs \(wanted) "
                + "(\(String(cString: strerror(code)))); \(advice)"
        }

        /// What to do.
        var advice: String {
            code == EPERM || code == ENOSYS
                ? "let the sandbox permit clone3 and clone, with a newer container runtime or another seccomp profile"
                : "raise the limit of processes (ulimit -u, TasksMax= of systemd, --pids-limit of a container), or lower "
                    + "threads.total"
        }
    }

    /// The number of threads that every command needs, for Dispatch and Swift's concurrency.
    static let least = 4

    /// The number of threads that a command needs with a pool of this size, including a server's event loops.
    static func needed(forPoolOf threadCount: Int) -> Int { threadCount + (threadCount + 3) / 4 + least }

    /// Starts this many threads at the same time and ends them again.
    static func check(_ count: Int) throws(Shortage) {
        let gate = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        defer { gate.deallocate() }
        pthread_mutex_init(gate, nil)
        defer { pthread_mutex_destroy(gate) }

        var threads: [pthread_t] = []
        var code: Int32 = 0
        // The mutex keeps all threads alive until the last one has been started.
        pthread_mutex_lock(gate)
        while threads.count < count, code == 0 {
            var thread = pthread_t()
            code = pthread_create(&thread, nil, Self.passGate, gate)
            if code == 0 { threads.append(thread) }
        }
        pthread_mutex_unlock(gate)
        for thread in threads { pthread_join(thread, nil) }
        if code != 0 { throw Shortage(found: threads.count, wanted: count, code: code) }
    }

    private static let passGate: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { gate in
        let gate = gate?.assumingMemoryBound(to: pthread_mutex_t.self)
        if let gate {
            pthread_mutex_lock(gate)
            pthread_mutex_unlock(gate)
        }
        return nil
    }
}

/// The worker pool of a command.
enum CommandThreads {
    /// A pool of `count` threads, by default one for each core available to this process.
    ///
    /// - Throws: the exit code for failed work if the system allows fewer threads, after one sentence on standard
    ///   error.
    static func pool(_ count: Int?) throws -> WorkerPool {
        let count = count ?? CPUQuota.current
        try check(forPoolOf: count)
        return WorkerPool(threadCount: count)
    }

    /// Checks that a pool of `count` threads can be started.
    static func check(forPoolOf count: Int) throws {
        do { try ThreadSupply.check(ThreadSupply.needed(forPoolOf: count)) } catch { throw Failure.work(error) }
    }
}
