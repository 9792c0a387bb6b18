import Host
import Inference
import Server
import Threads

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
