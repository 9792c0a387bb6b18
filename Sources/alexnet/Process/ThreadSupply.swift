import Inference
import Server

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Whether the system lets this process start threads.
///
/// Neither Dispatch nor Foundation says so when it does not: they wait for better times, and a command would hang, deaf to SIGTERM. So it is
/// tried first, by means that need neither of them. `CStartup` has tried a few before any library was initialised; here they are tried with
/// their stacks, and as many as a command needs.
enum ThreadSupply {
    /// There are fewer threads than needed.
    struct Shortage: Error, Equatable, CustomStringConvertible {
        /// How many could be had, at the same time and beside those that run.
        let found: Int
        let wanted: Int
        /// What pthread_create(3) said.
        let code: Int32

        var description: String {
            "this process may start \(found == 0 ? "no thread" : "only \(found) more") where it needs \(wanted) "
                + "(\(String(cString: strerror(code)))); \(advice)"
        }

        /// What to do next.
        var advice: String {
            code == EPERM || code == ENOSYS
                ? "let the sandbox permit clone3 and clone, with a newer container runtime or another seccomp profile"
                : "raise the limit of processes (ulimit -u, TasksMax= of systemd, --pids-limit of a container), or lower "
                    + "threads.total"
        }
    }

    /// What any command needs: Dispatch's own threads, and Swift's.
    static let least = 4

    /// What a command needs whose pool has so many threads, with event loops where it serves.
    static func needed(forPoolOf threadCount: Int) -> Int { threadCount + (threadCount + 3) / 4 + least }

    /// Starts so many threads at once, and ends them again.
    static func check(_ count: Int) throws(Shortage) {
        let gate = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        defer { gate.deallocate() }
        pthread_mutex_init(gate, nil)
        defer { pthread_mutex_destroy(gate) }

        var threads: [pthread_t] = []
        var code: Int32 = 0
        // None ends before the gate opens: they are there at the same time.
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

/// The threads of a command that computes.
enum CommandThreads {
    /// A pool of so many threads, or of as many as this process may use.
    ///
    /// - Throws: the exit code of failed work, after one sentence on standard error, where the system does not give them.
    static func pool(_ count: Int?) throws -> WorkerPool {
        let count = count ?? CPUQuota.current
        try check(forPoolOf: count)
        return WorkerPool(threadCount: count)
    }

    /// The same before somebody else makes the pool.
    static func check(forPoolOf count: Int) throws {
        do { try ThreadSupply.check(ThreadSupply.needed(forPoolOf: count)) } catch { throw Failure.work(error) }
    }
}
