@testable import HTTPServer

/// Runs the turns of one event loop as events, as epoll would: level-triggered, in any order.
final class SimulatedPoller: Poller, @unchecked Sendable {  // guard: one thread at a time runs, see SimulatedThread
    private struct Watched {
        let id: Int
        var interest: Readiness
    }

    private let system: SimulatedSystem
    private var scheduler: Scheduler { system.scheduler }
    private var client: (any PollerClient)?
    private var watched: [Int32: Watched] = [:]
    /// The descriptors that may be ready, each once.
    private var candidates: [Int32] = []
    private var released: [@Sendable () -> Void] = []
    /// When the next turn is; nil if none is planned. Units: nanoseconds.
    private var nextTurn: Int?
    /// The loop is busy until then. Units: nanoseconds.
    private var busyUntil = 0

    init(_ system: SimulatedSystem) { self.system = system }

    var isCurrent: Bool { scheduler.current === self }

    /// Whether the loop has ended.
    var hasEnded: Bool { client == nil }

    func start(_ client: any PollerClient) {
        self.client = client
        plan(scheduler.time)
    }

    func wake() { plan(scheduler.time + scheduler.pick(1000...20_000)) }

    /// Something has changed about a descriptor.
    func changed(_ descriptor: Int32) {
        guard watched[descriptor] != nil else { return }
        if !candidates.contains(descriptor) { candidates.append(descriptor) }
        plan(scheduler.time + scheduler.pick(1000...10_000))
    }

    func add(_ descriptor: Int32, id: Int, _ interest: Readiness) throws(SocketError) {
        watched[descriptor] = Watched(id: id, interest: interest)
        changed(descriptor)
    }

    func change(_ descriptor: Int32, id: Int, _ interest: Readiness) {
        guard watched[descriptor]?.id == id else { return }
        watched[descriptor]?.interest = interest
        changed(descriptor)
    }

    func remove(_ descriptor: Int32, id: Int, then: @escaping @Sendable () -> Void) {
        if watched[descriptor]?.id == id {
            watched[descriptor] = nil
            candidates.removeAll { $0 == descriptor }
        }
        released.append(then)
    }

    /// Plans a turn, unless there is an earlier one.
    private func plan(_ time: Int) {
        let time = max(time, busyUntil)
        if let nextTurn, nextTurn <= time { return }
        nextTurn = time
        scheduler.at(time) { [self] in
            guard nextTurn == time else { return }
            nextTurn = nil
            run()
        }
    }

    private func run() {
        guard let client else { return }
        if system.conditions.stalls > 0, scheduler.chance(system.conditions.stalls, in: 10_000) {
            busyUntil = scheduler.time + scheduler.pick(.milliseconds(1)...Int.milliseconds(20))
            return plan(busyUntil)
        }
        let before = scheduler.current
        scheduler.current = self
        defer { scheduler.current = before }
        let count = report(to: client)
        let next = client.turn()
        busyUntil = scheduler.time + scheduler.pick(1000...3000) * (1 + count)
        if !released.isEmpty {
            let released = released
            self.released = []
            for then in released { then() }
            // The loop may have more to do now.
            if next != .never { return plan(busyUntil) }
        }
        switch next {
        case .now: plan(busyUntil)
        case .at(let deadline):
            // epoll_wait counts in milliseconds and wakes a little late.
            if let deadline { plan(scheduler.time(of: deadline) + scheduler.pick(1...1_100_000)) }
            if !candidates.isEmpty { plan(busyUntil) }
        case .never: self.client = nil
        }
    }

    /// Reports the descriptors that are ready, at most as many as one call of epoll_wait does.
    private func report(to client: any PollerClient) -> Int {
        guard !candidates.isEmpty else { return 0 }
        var order = candidates
        candidates = []
        if order.count > 1 { order.swapAt(0, scheduler.pick(0...order.count - 1)) }
        var events: [(Int32, Int, Readiness)] = []
        for descriptor in order {
            guard let watched = watched[descriptor] else { continue }
            let readiness = system.readiness(descriptor)
            var reported = readiness.intersection(watched.interest)
            if readiness.contains(.broken) { reported = readiness }
            guard !reported.isEmpty else { continue }
            candidates.append(descriptor)
            if events.count < 64 { events.append((descriptor, watched.id, reported)) }
        }
        // A socket that an earlier event has removed is still reported, as epoll does.
        for (_, id, readiness) in events { client.ready(id, readiness) }
        return events.count
    }
}
