import CKernels

/// Waiting for something that another thread is about to do, for less time than it takes to fall asleep and to be woken.
enum ShortWait {
    /// Units: of time. Waking a thread on an idle core takes 50 µs and more.
    private static let limit = Duration.microseconds(100)

    /// Returns when the condition holds, or after a tenth of a millisecond.
    static func until(_ condition: () -> Bool) {
        let deadline = ContinuousClock.now + limit
        while !condition() {
            for _ in 0..<16 { kernel_spin_hint() }
            if ContinuousClock.now > deadline { return }
        }
    }
}
