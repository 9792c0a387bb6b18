import Foundation
import Synchronization

/// Actions to be done at their times, on one thread for all of them.
///
/// Actions must be short and must not block: what takes longer is handed to another thread. An action that is
/// cancelled, as nearly every deadline is, costs two searches and wakes nobody.
public final class TimerQueue: Sendable {
    /// What cancels an action.
    public struct Token: Sendable {
        fileprivate let key: TimerList<Action>.Key
    }

    public typealias Action = @Sendable () -> Void

    private struct State {
        var list = TimerList<Action>()
        /// When the alarm rings; nil while it is not set.
        var alarm: ContinuousClock.Instant?
    }

    private let clock: any AlarmClock
    private let state: Mutex<State>

    /// - Parameter clock: rings at the time of the next action.
    init(clock: any AlarmClock) {
        self.clock = clock
        state = Mutex(State())
        clock.onRing { [weak self] in self?.ring() }
    }

    /// On a thread of its own, which ends with the queue.
    public convenience init() { self.init(clock: AlarmThread()) }

    deinit { clock.stop() }

    /// Does something at a time, or soon after it.
    @discardableResult
    public func schedule(at time: ContinuousClock.Instant, _ action: @escaping Action) -> Token {
        let (key, alarm) = state.withLock { state in
            let key = state.list.insert(action, at: time)
            return (key, Self.nextAlarm(&state))
        }
        if let alarm { clock.ring(at: alarm) }
        return Token(key: key)
    }

    /// Takes an action back; nothing happens where it has been done.
    public func cancel(_ token: Token) { _ = state.withLock { $0.list.remove(token.key) } }

    /// Actions that are still to be done.
    public var count: Int { state.withLock { $0.list.count } }

    /// What the alarm must be set to, where it is not set or would ring too late.
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

/// Elements by their time, soonest first; knows no clock.
struct TimerList<Element> {
    /// Where an element is.
    struct Key: Comparable, Sendable {
        let time: ContinuousClock.Instant
        /// In the order in which they were inserted.
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

    /// - Returns: what ``remove(_:)`` removes it by.
    mutating func insert(_ element: Element, at time: ContinuousClock.Instant) -> Key {
        lastNumber += 1
        let key = Key(time: time, number: lastNumber)
        entries.insert(Entry(key: key, element: element), at: index(of: key))
        return key
    }

    /// Removes an element; nil where it is gone already.
    @discardableResult
    mutating func remove(_ key: Key) -> Element? {
        let index = index(of: key)
        return index < entries.count && entries[index].key == key ? entries.remove(at: index).element : nil
    }

    /// Removes and returns the elements whose time has come, soonest first.
    mutating func takeDue(now: ContinuousClock.Instant) -> [Element] {
        // The keys alone are looked at: to copy an element costs more than the search.
        let count = entries.firstIndex { $0.key.time > now } ?? entries.count
        defer { entries.removeFirst(count) }
        return entries[..<count].map(\.element)
    }

    /// Where an element is, or would be: most come last, since most timers run equally long.
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

/// The time, and a call at a given time: what a ``TimerQueue`` runs on. Tests turn one by hand.
protocol AlarmClock: Sendable {
    var now: ContinuousClock.Instant { get }

    /// Says what is called when it rings.
    func onRing(_ action: @escaping @Sendable () -> Void)

    /// Rings at a time, or at the one that was set before if that is sooner.
    func ring(at time: ContinuousClock.Instant)

    /// Never rings again.
    func stop()
}

/// A thread that sleeps until it has to ring.
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

    /// Sleeps until it has to ring; false once it is stopped.
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
