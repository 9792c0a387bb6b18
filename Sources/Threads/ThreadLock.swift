import Glibc

/// A mutex, to be held for a moment only. Its holder can wait for a ``ThreadCondition``.
///
/// A thread that finds it locked spins for a moment before it sleeps, as falling asleep takes longer than it is held.
/// - Source: pthread_mutex_lock(3p); glibc's `PTHREAD_MUTEX_ADAPTIVE_NP`
final class ThreadLock: @unchecked Sendable {  // guard: the mutex is there for the threads to share
    fileprivate let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

    init() {
        var attributes = pthread_mutexattr_t()
        pthread_mutexattr_init(&attributes)
        pthread_mutexattr_settype(&attributes, Int32(PTHREAD_MUTEX_ADAPTIVE_NP))
        pthread_mutex_init(mutex, &attributes)
        pthread_mutexattr_destroy(&attributes)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    func lock() { pthread_mutex_lock(mutex) }

    func unlock() { pthread_mutex_unlock(mutex) }

    /// Runs `body` while the lock is held, and returns its result.
    func withLock<T>(_ body: () -> T) -> T {
        lock()
        defer { unlock() }
        return body()
    }
}

/// A condition variable. Every method is called while the lock is held. A wait may end spuriously.
///
/// - Source: pthread_cond_timedwait(3p), on the monotonic clock
final class ThreadCondition: @unchecked Sendable {  // guard: as the lock's
    private let lock: ThreadLock
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    init(of lock: ThreadLock) {
        self.lock = lock
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        condition.deallocate()
    }

    /// Releases the lock until a change is signalled.
    func wait() { pthread_cond_wait(condition, lock.mutex) }

    /// Releases the lock until a change is signalled, or the time has come.
    func wait(until time: ContinuousClock.Instant) {
        let (seconds, attoseconds) = max(Duration.zero, ContinuousClock.now.duration(to: time)).components
        var end = timespec()
        clock_gettime(CLOCK_MONOTONIC, &end)
        // Long enough to count as for ever, and short enough that nothing overflows.
        end.tv_sec += Int(min(seconds, 1 << 31))
        end.tv_nsec += Int(attoseconds / 1_000_000_000)
        if end.tv_nsec >= 1_000_000_000 {
            end.tv_sec += 1
            end.tv_nsec -= 1_000_000_000
        }
        pthread_cond_timedwait(condition, lock.mutex, &end)
    }

    /// Wakes one waiting thread, if there is any.
    func signal() { pthread_cond_signal(condition) }

    /// Wakes all waiting threads.
    func broadcast() { pthread_cond_broadcast(condition) }
}
