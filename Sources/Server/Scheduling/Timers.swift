import Dispatch
import Synchronization

/// What is to be done at which time, unless it is taken back before: by one timer for all, so that what is done in time, as
/// nearly everything is, leaves nothing behind.
final class Deadlines: Sendable {
    private struct State {
        var list = DeadlineList<@Sendable () -> Void>()
        /// When the timer fires; nil while none is set.
        var nextFiring: ContinuousClock.Instant?
    }

    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "deadlines")
    private let clock = ContinuousClock()

    /// Does something at a time.
    ///
    /// - Parameter id: what ``remove(_:at:)`` takes it back by, at its time alone.
    func add(_ id: Int, at time: ContinuousClock.Instant, _ action: @escaping @Sendable () -> Void) {
        let firing = state.withLock { state in
            state.list.insert(action, id: id, at: time)
            return Self.nextFiring(&state)
        }
        if let firing { fire(at: firing) }
    }

    /// Takes it back; nothing happens where it has been done.
    func remove(_ id: Int, at time: ContinuousClock.Instant) { state.withLock { $0.list.remove(id, at: time) } }

    /// How much is still to be done.
    var count: Int { state.withLock { $0.list.count } }

    /// When a timer must be set for, where none that is set comes soon enough.
    private static func nextFiring(_ state: inout State) -> ContinuousClock.Instant? {
        guard let earliest = state.list.earliest else { return nil }
        if let next = state.nextFiring, next <= earliest { return nil }
        state.nextFiring = earliest
        return earliest
    }

    private func fire(at time: ContinuousClock.Instant) {
        queue.asyncAfter(deadline: .now() + (time - clock.now).timeInterval) { [weak self] in self?.fired(time) }
    }

    private func fired(_ time: ContinuousClock.Instant) {
        let now = max(time, clock.now)
        let (actions, firing) = state.withLock { state in
            if state.nextFiring == time { state.nextFiring = nil }
            return (state.list.takePassed(now: now), Self.nextFiring(&state))
        }
        if let firing { fire(at: firing) }
        for action in actions { action() }
    }
}

/// Elements by their time, soonest first; knows no clock.
struct DeadlineList<Element> {
    private struct Entry {
        let time: ContinuousClock.Instant
        let id: Int
        let element: Element
    }

    private var entries: [Entry] = []

    var count: Int { entries.count }

    /// The soonest time.
    var earliest: ContinuousClock.Instant? { entries.first?.time }

    /// Adds an element under a number that no other has at that time.
    mutating func insert(_ element: Element, id: Int, at time: ContinuousClock.Instant) {
        entries.insert(Entry(time: time, id: id, element: element), at: index(of: (time, id)))
    }

    /// Removes the element with this number and time, if there is one.
    mutating func remove(_ id: Int, at time: ContinuousClock.Instant) {
        let index = index(of: (time, id))
        if index < entries.count, entries[index].time == time, entries[index].id == id { entries.remove(at: index) }
    }

    /// Removes and returns those whose time has come, soonest first.
    mutating func takePassed(now: ContinuousClock.Instant) -> [Element] {
        let passed = entries.prefix { $0.time <= now }.map(\.element)
        entries.removeFirst(passed.count)
        return passed
    }

    /// Where an entry is, or would be: most come last.
    private func index(of key: (time: ContinuousClock.Instant, id: Int)) -> Int {
        var range = 0..<entries.count
        if entries.isEmpty || isBefore(entries.count - 1, key) { return entries.count }
        while !range.isEmpty {
            let middle = range.lowerBound + range.count / 2
            range = isBefore(middle, key) ? middle + 1..<range.upperBound : range.lowerBound..<middle
        }
        return range.lowerBound
    }

    /// Looks at the time and the number alone: an element that is copied costs more than all of the search.
    private func isBefore(_ index: Int, _ key: (time: ContinuousClock.Instant, id: Int)) -> Bool {
        (entries[index].time, entries[index].id) < key
    }
}
