import HeapModule
import HTTPServer
import TestSupport

/// Virtual time: what happens next, and when.
///
/// Everything in a simulated world is an event at a time. Events run one after the other, and time jumps from one to the next,
/// so that a second takes as long as its events. Events of the same time run in a random order that the seed decides. One
/// event may suspend itself and let others run (``SimulatedThread``), but never do two run at once.
final class Scheduler: @unchecked Sendable {  // guard: one thread at a time runs, see SimulatedThread
    private struct Event: Comparable {
        let time: Int
        /// Decides among events of one time.
        let tie: UInt64
        let action: () -> Void

        static func < (one: Event, other: Event) -> Bool { (one.time, one.tie) < (other.time, other.tie) }
        static func == (one: Event, other: Event) -> Bool { one.time == other.time && one.tie == other.tie }
    }

    /// The time at which the world begins.
    private static let origin = Origin.instant
    private var events = Heap<Event>()
    /// The time since the world began. Units: nanoseconds.
    private(set) var time = 0
    /// How many events have run.
    private(set) var eventCount = 0
    /// The seed's random numbers.
    var random: SeededGenerator
    /// What runs now: an event loop or a thread; nil for everything else. An event loop asks whether it is itself.
    var current: AnyObject?
    /// Whether a queue's thread has run since somebody last asked: models change on those only.
    var hasQueueRun = true
    /// The thread that runs now; nil in the events of loops, clients and timers.
    var thread: SimulatedThread? { current as? SimulatedThread }

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    var now: ContinuousClock.Instant { Self.origin + .nanoseconds(time) }

    /// The virtual time of an instant. Units: nanoseconds.
    func time(of instant: ContinuousClock.Instant) -> Int {
        let (seconds, attoseconds) = (instant - Self.origin).components
        return Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000)
    }

    /// Does something after a while.
    ///
    /// - Parameter delay: units: nanoseconds.
    func after(_ delay: Int, _ action: @escaping () -> Void) { at(time + max(0, delay), action) }

    /// Does something at a time, or now if that has passed. Units: nanoseconds.
    func at(_ time: Int, _ action: @escaping () -> Void) {
        events.insert(Event(time: max(time, self.time), tie: random.next(), action: action))
    }

    /// Runs the next event; false if there is none.
    func step() -> Bool {
        guard let event = events.popMin() else { return false }
        time = event.time
        eventCount += 1
        event.action()
        return true
    }

    // MARK: Chance

    /// A random number of a range, each as likely as the other.
    func pick(_ range: ClosedRange<Int>) -> Int {
        let count = UInt64(range.upperBound - range.lowerBound + 1)
        return range.lowerBound + Int(random.next().multipliedFullWidth(by: count).high)
    }

    /// One of these, each as likely as the other.
    func pick<Element>(_ elements: [Element]) -> Element { elements[pick(0...elements.count - 1)] }

    /// A random number of a range whose ends may be far apart: each order of magnitude is as likely as the other.
    func pickMagnitude(_ range: ClosedRange<Int>) -> Int {
        var (low, high) = (max(1, range.lowerBound), range.upperBound)
        while low * 2 <= high {
            if chance(1, in: 2) { high /= 2 } else { low *= 2 }
            if chance(1, in: 4) { break }
        }
        return pick(low...max(low, high))
    }

    /// True so many times out of so many.
    func chance(_ count: Int, in total: Int) -> Bool { pick(1...total) <= count }
}

extension Int {
    /// Durations in nanoseconds.
    static func microseconds(_ count: Int) -> Int { count * 1000 }
    static func milliseconds(_ count: Int) -> Int { count * 1_000_000 }
    static func seconds(_ count: Int) -> Int { count * 1_000_000_000 }
}
