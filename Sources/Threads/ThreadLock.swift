import Glibc

/// A lock that a thread may hold for a moment; whoever holds it can wait for a ``ThreadCondition``.
///
/// - Source: pthread_mutex_lock(3p)
final class ThreadLock: @unchecked Sendable {  // guard: the mutex is there for the threads to share
    fileprivate let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

    init() { pthread_mutex_init(mutex, nil) }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    func lock() { pthread_mutex_lock(mutex) }

    func unlock() { pthread_mutex_unlock(mutex) }

    /// What `body` gives while the lock is held.
    func withLock<T>(_ body: () -> T) -> T {
        lock()
        defer { unlock() }
        return body()
    }
}

/// A change that threads wait for, and that others tell them of. All of it is done holding the lock, and a wait may end without any change.
///
/// - Source: pthread_cond_timedwait(3p), by the clock that nobody sets
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

    /// Lets go of the lock until somebody tells of a change.
    func wait() { pthread_cond_wait(condition, lock.mutex) }

    /// Lets go of the lock until somebody tells of a change, or the time has come.
    func wait(until time: ContinuousClock.Instant) {
        let (seconds, attoseconds) = max(Duration.zero, ContinuousClock.now.duration(to: time)).components
        var end = timespec()
        clock_gettime(CLOCK_MONOTONIC, &end)
        // Far enough to be for ever, and nothing can overflow.
        end.tv_sec += Int(min(seconds, 1 << 31))
        end.tv_nsec += Int(attoseconds / 1_000_000_000)
        if end.tv_nsec >= 1_000_000_000 {
            end.tv_sec += 1
            end.tv_nsec -= 1_000_000_000
        }
        pthread_cond_timedwait(condition, lock.mutex, &end)
    }

    /// Wakes one that waits, if any does.
    func signal() { pthread_cond_signal(condition) }

    /// Wakes all that wait.
    func broadcast() { pthread_cond_broadcast(condition) }
}
