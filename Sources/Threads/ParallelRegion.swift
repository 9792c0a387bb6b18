import CLinux
import Dispatch
import Synchronization

/// A parallel loop: several threads take its indices until none is left.
final class ParallelRegion: Sendable {
    private let count: Int
    private let slotCount: Int
    private let body: @Sendable (_ index: Int, _ slot: Int) -> Void
    private let nextIndex = Atomic(0)
    private let nextSlot = Atomic(0)
    private let finishedCount = Atomic(0)
    private let state = Atomic(State.running)
    /// Signalled if the thread that waits has fallen asleep.
    private let done = DispatchSemaphore(value: 0)

    private enum State: UInt8, AtomicRepresentable {
        case running, awaited, finished
    }

    init(count: Int, slotCount: Int, body: @escaping @Sendable (_ index: Int, _ slot: Int) -> Void) {
        self.count = count
        self.slotCount = slotCount
        self.body = body
    }

    /// Takes indices until none is left.
    func participate() {
        let slot = nextSlot.wrappingAdd(1, ordering: .relaxed).oldValue
        guard slot < slotCount else { return }
        while true {
            let index = nextIndex.wrappingAdd(1, ordering: .relaxed).oldValue
            guard index < count else { return }
            body(index, slot)
            guard finishedCount.wrappingAdd(1, ordering: .acquiringAndReleasing).newValue == count else { continue }
            if state.exchange(.finished, ordering: .acquiringAndReleasing) == .awaited { done.signal() }
        }
    }

    /// Waits until every index is finished, whichever thread took it.
    ///
    /// The other threads are at most in the middle of one index each. That often ends sooner than this thread could
    /// fall asleep and wake, so it spins first.
    func waitUntilDone() {
        ShortWait.until { self.finishedCount.load(ordering: .acquiring) == self.count }
        guard finishedCount.load(ordering: .acquiring) < count else { return }
        let (isAwaited, _) = state.compareExchange(
            expected: .running, desired: .awaited, ordering: .acquiringAndReleasing)
        if isAwaited { done.wait() }
    }
}

/// Spinning, for something that another thread is about to do sooner than this one could fall asleep and be woken.
enum ShortWait {
    /// The longest time to spin. Waking a thread on an idle core takes 50 µs and more.
    private static let limit = Duration.microseconds(100)

    /// Returns when the condition holds, or after ``limit``.
    static func until(_ condition: () -> Bool) {
        let deadline = ContinuousClock.now + limit
        while true {
            for _ in 0..<16 {
                if condition() { return }
                cpu_relax()
            }
            if ContinuousClock.now > deadline { return }
        }
    }
}
