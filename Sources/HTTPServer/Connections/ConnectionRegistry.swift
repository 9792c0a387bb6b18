import Synchronization

/// All open connections of a server, and who gives way when there is no place for another one.
final class ConnectionRegistry: Sendable {
    /// How many connections there may be.
    struct Limits: Sendable, Equatable {
        var total: Int
        var perAddress: Int
    }

    /// What became of a client.
    enum Admission {
        /// It has a place; if that was another's, that one has to leave now.
        case admitted(Connection, leaving: (Connection, Standing)?)
        /// There is none, neither for it nor for anybody else from its address if that has all of its share. The oldest one that was told
        /// so before has to leave if there are many.
        case refused(Connection, leaving: Connection?)
    }

    /// How many are told at the same time that there is no place for them, and how many that were asked to leave may not have
    /// done so: so many descriptors are taken beyond the limit.
    static let reserve = 64

    private struct State {
        var connections: [Int: Connection] = [:]
        /// Those that were asked to give way; their places are others' already.
        var leaving: Set<Int> = []
        /// Those without a place, oldest first.
        var refused: [Int] = []
        var shares: [ClientAddress: AddressShare] = [:]
        var candidates = Candidates()
        var nextNumber = 0
        var waiters: [Int: CheckedContinuation<Bool, Never>] = [:]
        var nextWaiter = 0

        /// How many have a place.
        var placeCount: Int { connections.count - leaving.count - refused.count }
    }

    /// The connections that give way next, found by one look at all of them.
    private struct Candidates {
        var share: AddressShare?
        /// Who goes first comes last.
        var list: [(number: Int, standing: Standing)] = []
        /// When there was none.
        var emptyAt: ContinuousClock.Instant?
    }

    /// How long it counts that nobody gives way: with thousands of connections that is not asked for every client.
    private static let searchInterval = Duration.milliseconds(1)

    private let state = Mutex(State())
    /// Whether somebody was turned away for want of places: answers then close their connections, so that everybody has a turn.
    let isCrowded = Atomic(false)

    /// How many connections are open.
    var count: Int { state.withLock { $0.connections.count } }

    /// The open connections.
    var connections: [Connection] { state.withLock { Array($0.connections.values) } }

    /// Takes in the connection that `make` makes of its number, its address's share, and whether it is refused.
    ///
    /// - Parameters:
    ///   - owner: whose share it counts for; nil for nobody's.
    ///   - limits: nil takes in everybody.
    func add(
        owner: ClientAddress?, limits: Limits?, _ make: (Int, AddressShare?, Bool) -> Connection
    ) -> Admission {
        state.withLock { state in
            let share = owner.map { owner in
                if let share = state.shares[owner] { return share }
                Self.sweep(&state)
                let share = AddressShare(owner: owner)
                state.shares[owner] = share
                return share
            }
            let number = state.nextNumber
            state.nextNumber += 1

            let isShareFull =
                share.map { share in
                    limits.map { share.connectionCount.load(ordering: .relaxed) >= $0.perAddress } ?? false
                } ?? false
            let isFull = limits.map { state.placeCount >= $0.total } ?? false
            var leaving: (Connection, Standing)?
            if isShareFull || isFull {
                leaving = Self.takeCandidate(isShareFull ? share : nil, &state)
                guard leaving != nil else {
                    if !isShareFull { isCrowded.store(true, ordering: .relaxed) }
                    let connection = make(number, isShareFull ? share : nil, true)
                    state.connections[number] = connection
                    state.refused.append(number)
                    let excess = state.refused.count - Self.reserve
                    return .refused(
                        connection, leaving: excess > 0 ? state.connections[state.refused[excess - 1]] : nil)
                }
            }
            let connection = make(number, share, false)
            state.connections[number] = connection
            share?.connectionCount.wrappingAdd(1, ordering: .relaxed)
            // It has not sent a byte yet.
            state.candidates.emptyAt = nil
            return .admitted(connection, leaving: leaving)
        }
    }

    /// Those that give way at once, because there is nothing left to hold connections with.
    func takeLeaving(most: Int) -> [(Connection, Standing)] {
        state.withLock { state in
            var leaving: [(Connection, Standing)] = []
            while leaving.count < most, let next = Self.takeCandidate(nil, &state) { leaving.append(next) }
            return leaving
        }
    }

    /// Whether some were asked to give way and have not done so yet.
    var isMakingRoom: Bool { state.withLock { !$0.leaving.isEmpty } }

    /// One that was asked to give way does not: it has something to do.
    func stays(_ number: Int) {
        state.withLock { state in
            guard state.leaving.remove(number) != nil else { return }
            state.connections[number]?.share?.connectionCount.wrappingAdd(1, ordering: .relaxed)
        }
    }

    /// Lets a connection go.
    ///
    /// - Returns: how many have a place now.
    @discardableResult
    func remove(_ number: Int) -> Int {
        let (connection, waiters, placeCount) = state.withLock { state in
            let connection = state.connections.removeValue(forKey: number)
            let hadLeft = state.leaving.remove(number) != nil
            if let connection, connection.isRefused {
                state.refused.removeAll { $0 == number }
            } else if !hadLeft {
                connection?.share?.connectionCount.wrappingSubtract(1, ordering: .relaxed)
            }
            if let share = connection?.share, share.isEmpty { state.shares[share.owner] = nil }
            guard state.connections.isEmpty else {
                return (connection, [CheckedContinuation<Bool, Never>](), state.placeCount)
            }
            defer { state.waiters = [:] }
            return (connection, Array(state.waiters.values), 0)
        }
        for waiter in waiters { waiter.resume(returning: true) }
        _ = connection  // lives until the lock is open again
        return placeCount
    }

    /// Has slow uploads give their memory up.
    ///
    /// - Parameters:
    ///   - share: of whose connections; nil for everybody's.
    ///   - asking: the connection that needs memory, on whose thread this is called.
    /// - Returns: whether there may be more memory now. Those of other threads need a moment.
    func makeRoomForBodies(_ share: AddressShare?, besides asking: Connection) -> Bool {
        let now = ContinuousClock.now
        let slow = connections.compactMap { connection -> (Connection, Standing)? in
            let standing = Standing(rawValue: connection.standing.load(ordering: .relaxed))
            guard connection !== asking, standing.givesMemoryUp(now: now),
                share == nil || connection.share === share
            else { return nil }
            return (connection, standing)
        }.sorted { $0.1 < $1.1 }
        var isFreed = false
        for (connection, standing) in slow {
            if connection.loop !== asking.loop {
                connection.loop.execute { connection.giveMemoryUp(standing) }
            } else if connection.giveMemoryUp(standing) {
                isFreed = true
                break
            }
        }
        return isFreed
    }

    /// The one that gives way next, which from now on has no place any more.
    private static func takeCandidate(_ share: AddressShare?, _ state: inout State) -> (Connection, Standing)? {
        guard state.leaving.count < reserve else { return nil }
        let now = ContinuousClock.now
        for isNew in [false, true] {
            if isNew || state.candidates.share !== share {
                let isKnown = state.candidates.share === share
                if isKnown, let emptyAt = state.candidates.emptyAt, now - emptyAt < searchInterval { return nil }
                state.candidates = candidates(share, state, now: now)
            }
            while let (number, standing) = state.candidates.list.popLast() {
                guard let connection = state.connections[number], !state.leaving.contains(number),
                    connection.standing.load(ordering: .relaxed) == standing.rawValue
                else { continue }
                state.leaving.insert(number)
                connection.share?.connectionCount.wrappingSubtract(1, ordering: .relaxed)
                return (connection, standing)
            }
        }
        return nil
    }

    private static func candidates(
        _ share: AddressShare?, _ state: State, now: ContinuousClock.Instant
    ) -> Candidates {
        var list: [(number: Int, standing: Standing)] = []
        for (number, connection) in state.connections where share == nil || connection.share === share {
            let standing = Standing(rawValue: connection.standing.load(ordering: .relaxed))
            guard !connection.isRefused, standing.givesWay(now: now), !state.leaving.contains(number) else { continue }
            list.append((number, standing))
        }
        list.sort { $0.standing > $1.standing }
        return Candidates(share: share, list: list.suffix(reserve), emptyAt: list.isEmpty ? now : nil)
    }

    /// Forgets addresses that hold nothing. Memory that outlived its connection may have kept some of them.
    private static func sweep(_ state: inout State) {
        guard state.shares.count > 2 * state.connections.count + reserve else { return }
        state.shares = state.shares.filter { !$0.value.isEmpty }
    }

    /// Waits until no connection is open.
    ///
    /// - Parameters:
    ///   - timeout: how long it waits at most.
    ///   - loop: measures that time.
    /// - Returns: whether that came true within `timeout`.
    func waitUntilEmpty(timeout: Duration, on loop: EventLoop) async -> Bool {
        defer { withExtendedLifetime(loop) {} }
        return await withCheckedContinuation { continuation in
            let waiter: Int? = state.withLock { state in
                guard !state.connections.isEmpty else { return nil }
                state.nextWaiter += 1
                state.waiters[state.nextWaiter] = continuation
                return state.nextWaiter
            }
            guard let waiter else { return continuation.resume(returning: true) }
            loop.execute(after: timeout) {
                self.state.withLock { $0.waiters.removeValue(forKey: waiter) }?.resume(returning: false)
            }
        }
    }
}

/// What all connections of one address hold together, so that one client does not take what is there for all.
final class AddressShare: Sendable {
    let owner: ClientAddress
    /// Connections that hold a place; changed under the registry's lock only.
    let connectionCount = Atomic(0)
    /// Memory of bodies. Units: bytes.
    let bodyBytes = Atomic(0)

    init(owner: ClientAddress) { self.owner = owner }

    /// Whether nothing is held.
    var isEmpty: Bool {
        connectionCount.load(ordering: .relaxed) == 0 && bodyBytes.load(ordering: .relaxed) == 0
    }
}

extension Atomic where Value == Int {
    /// Adds `count` if the sum does not exceed `limit`; else nothing changes, not even for a moment.
    func add(_ count: Int, upTo limit: Int) -> Bool {
        var value = load(ordering: .relaxed)
        while value <= limit - count {
            let (exchanged, original) = weakCompareExchange(
                expected: value, desired: value + count, ordering: .relaxed)
            if exchanged { return true }
            value = original
        }
        return false
    }
}
