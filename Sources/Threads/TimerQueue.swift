import Foundation
import Synchronization

/// Runs actions at their times, on one thread for all of them.
///
/// Actions must be short and must not block: longer work belongs on another thread. An action that is cancelled, as
/// nearly every deadline is, costs two searches and wakes nobody.
public final class TimerQueue: Sendable {
    /// Identifies an action, so that it can be cancelled.
    public struct Token: Sendable {
        fileprivate let key: TimerList<Action>.Key
    }

    /// What is run; it must be short and must not block.
    public typealias Action = @Sendable () -> Void

    private struct State {
        var list = TimerList<Action>()
        /// When the alarm rings; nil while it is not set.
        var alarm: ContinuousClock.Instant?
    }

    private let clock: any AlarmClock
    private let state: Mutex<State>

    /// - Parameter clock: rings when the next action is due.
    init(clock: any AlarmClock) {
        self.clock = clock
        state = Mutex(State())
        clock.onRing { [weak self] in self?.ring() }
    }

    /// A queue with a thread of its own, which ends with the queue.
    public convenience init() { self.init(clock: AlarmThread()) }

    deinit { clock.stop() }

    /// Runs an action at a time, or soon after it.
    @discardableResult
    public func schedule(at time: ContinuousClock.Instant, _ action: @escaping Action) -> Token {
        let (key, alarm) = state.withLock { state in
            let key = state.list.insert(action, at: time)
            return (key, Self.nextAlarm(&state))
        }
        if let alarm { clock.ring(at: alarm) }
        return Token(key: key)
    }

    /// Cancels an action; does nothing if it has run.
    public func cancel(_ token: Token) { _ = state.withLock { $0.list.remove(token.key) } }

    /// The time by which actions are run.
    public var now: ContinuousClock.Instant { clock.now }

    /// How many actions have not run yet.
    public var count: Int { state.withLock { $0.list.count } }

    /// The time to set the alarm to, if it is not set or would ring too late.
    private static func nextAlarm(_ state: inout State) -> ContinuousClock.Instant? {
        guard let earliest = state.list.earliest else { return nil }
        if let alarm = state.alarm, alarm <= earliest { return nil }
        state.alarm = earliest
        return earliest
    }

    private func ring() {
        let now = clock.now
        let (actions, alarm) = state.withLock { state in
            state.alarm = nil
            return (state.list.takeDue(now: now), Self.nextAlarm(&state))
        }
        if let alarm { clock.ring(at: alarm) }
        for action in actions { action() }
    }
}

/// Elements in the order of their times, soonest first. It uses no clock.
struct TimerList<Element> {
    /// Identifies an element, and orders it.
    struct Key: Comparable, Sendable {
        let time: ContinuousClock.Instant
        /// Orders elements of equal time by their insertion.
        let number: Int

        static func < (left: Self, right: Self) -> Bool { (left.time, left.number) < (right.time, right.number) }
    }

    private struct Entry {
        let key: Key
        let element: Element
    }

    private var entries: [Entry] = []
    private var lastNumber = 0

    var count: Int { entries.count }

    /// The soonest time.
    var earliest: ContinuousClock.Instant? { entries.first?.key.time }

    /// Inserts an element.
    ///
    /// - Returns: the key that ``remove(_:)`` takes.
    mutating func insert(_ element: Element, at time: ContinuousClock.Instant) -> Key {
        lastNumber += 1
        let key = Key(time: time, number: lastNumber)
        entries.insert(Entry(key: key, element: element), at: index(of: key))
        return key
    }

    /// Removes an element; nil if it is not there.
    @discardableResult
    mutating func remove(_ key: Key) -> Element? {
        let index = index(of: key)
        return index < entries.count && entries[index].key == key ? entries.remove(at: index).element : nil
    }

    /// Removes and returns the elements whose time has come, soonest first.
    mutating func takeDue(now: ContinuousClock.Instant) -> [Element] {
        // Only the keys are compared: to copy an element costs more than the search.
        let count = entries.firstIndex { $0.key.time > now } ?? entries.count
        defer { entries.removeFirst(count) }
        return entries[..<count].map(\.element)
    }

    /// The index of an element, or the one to insert it at. Most come last, since most timers run equally long.
    private func index(of key: Key) -> Int {
        guard let last = entries.last?.key, key <= last else { return entries.count }
        var range = 0..<entries.count
        while !range.isEmpty {
            let middle = range.lowerBound + range.count / 2
            range = entries[middle].key < key ? middle + 1..<range.upperBound : range.lowerBound..<middle
        }
        return range.lowerBound
    }
}

/// A clock that calls back at a given time, for a ``TimerQueue``. Tests use one that is set by hand.
protocol AlarmClock: Sendable {
    var now: ContinuousClock.Instant { get }

    /// Sets what is called when it rings.
    func onRing(_ action: @escaping @Sendable () -> Void)

    /// Rings at a time, or at the one that was set before if that is sooner.
    func ring(at time: ContinuousClock.Instant)

    /// Never rings again.
    func stop()
}

/// An alarm clock with a thread that sleeps until it has to ring.
private final class AlarmThread: AlarmClock, @unchecked Sendable {  // guard: `lock`, for its variables
    private let lock = ThreadLock()
    private let change: ThreadCondition
    private var time: ContinuousClock.Instant?
    private var isStopped = false

    init() { change = ThreadCondition(of: lock) }

    var now: ContinuousClock.Instant { .now }

    func onRing(_ action: @escaping @Sendable () -> Void) {
        let thread = Thread { [self] in while sleep() { action() } }
        thread.name = "timers"
        thread.stackSize = 1 << 19
        thread.start()
    }

    func ring(at time: ContinuousClock.Instant) {
        lock.withLock {
            self.time = min(self.time ?? time, time)
            change.signal()
        }
    }

    func stop() {
        lock.withLock {
            isStopped = true
            change.signal()
        }
    }

    /// Sleeps until it has to ring; false once the clock is stopped.
    private func sleep() -> Bool {
        lock.withLock {
            while !isStopped {
                guard let time else {
                    change.wait()
                    continue
                }
                if time <= .now {
                    self.time = nil
                    return true
                }
                change.wait(until: time)
            }
            return false
        }
    }
}
