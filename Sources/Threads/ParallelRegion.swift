import CLinux
import Dispatch
import Synchronization

/// A loop whose indices several threads share out among themselves.
final class ParallelRegion: Sendable {
    private let count: Int
    private let slotCount: Int
    private let body: @Sendable (_ index: Int, _ slot: Int) -> Void
    private let nextIndex = Atomic(0)
    private let nextSlot = Atomic(0)
    private let finishedCount = Atomic(0)
    private let done = DispatchSemaphore(value: 0)

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
            if finishedCount.wrappingAdd(1, ordering: .acquiringAndReleasing).newValue == count { done.signal() }
        }
    }

    /// Returns when every index is finished, whoever took it.
    ///
    /// Others are in the middle of an index of their own at most: that is often over sooner than a thread falls asleep and
    /// wakes.
    func waitUntilDone() {
        ShortWait.until { self.finishedCount.load(ordering: .acquiring) == self.count }
        done.wait()
    }
}

/// Waiting for something that another thread is about to do, for less time than it takes to fall asleep and to be woken.
enum ShortWait {
    /// Units: of time. Waking a thread on an idle core takes 50 µs and more.
    private static let limit = Duration.microseconds(100)

    /// Returns when the condition holds, or after a tenth of a millisecond.
    static func until(_ condition: () -> Bool) {
        let deadline = ContinuousClock.now + limit
        while !condition() {
            for _ in 0..<16 { cpu_relax() }
            if ContinuousClock.now > deadline { return }
        }
    }
}
