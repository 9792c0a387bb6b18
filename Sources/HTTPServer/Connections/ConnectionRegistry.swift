import Synchronization

/// All open connections of a server. It enforces their limits, and evicts connections when a new client needs a place.
final class ConnectionRegistry: Sendable {
    /// The largest numbers of connections: of all clients together, and of one address.
    struct Limits: Sendable, Equatable {
        var total: Int
        var perAddress: Int
    }

    /// What was decided about a new client.
    enum Admission {
        /// It has a place. If that was another connection's, the caller has to evict that one.
        case admitted(Connection, evicting: (Connection, EvictionRank)?)
        /// The server or the client's address has as many connections as it may, and none can be evicted. The client
        /// only gets an error. If many clients are being refused, the caller has to abort the oldest of them.
        case refused(Connection, aborting: Connection?)
    }

    /// The most refused clients that are being answered at the same time, and the most evicted connections that are not
    /// closed yet. Each kind may take this many descriptors beyond the limit.
    static let reserve = 64

    private struct State {
        var connections: [Int: Connection] = [:]
        /// Evicted connections that are not closed yet. They no longer count against the limit.
        var evicted: Set<Int> = []
        /// Connections that only tell their client that it is refused, oldest first.
        var refused: [Int] = []
        var shares: [ClientAddress: AddressShare] = [:]
        var candidates = Candidates()
        var nextNumber = 0
        var waiters: [Int: CheckedContinuation<Bool, Never>] = [:]
        var nextWaiter = 0

        /// How many connections count against the limit.
        var placeCount: Int { connections.count - evicted.count - refused.count }
    }

    /// The connections to be evicted next, found by one search through all of them.
    private struct Candidates {
        /// The address that the search was confined to; nil for none.
        var share: AddressShare?
        /// The next one is last.
        var list: [(number: Int, rank: EvictionRank)] = []
        /// When the search found none.
        var emptyAt: ContinuousClock.Instant?
    }

    /// How long a search that found no evictable connection is not repeated. With thousands of connections, a search
    /// for every new client would be slow.
    private static let searchInterval = Duration.milliseconds(1)

    private let state = Mutex(State())
    /// Whether a client was refused because there are too many. Every response then closes its connection, so that
    /// places become free for others.
    let isCrowded = Atomic(false)

    /// How many connections are open.
    var count: Int { state.withLock { $0.connections.count } }

    /// The open connections.
    var connections: [Connection] { state.withLock { Array($0.connections.values) } }

    /// Adds a client's connection.
    ///
    /// - Parameters:
    ///   - owner: the address whose share it counts against; nil for none.
    ///   - limits: nil admits everybody.
    ///   - make: makes the connection from its number, its address's share, and whether it is refused.
    func add(
        owner: ClientAddress?, limits: Limits?, now: ContinuousClock.Instant,
        _ make: (Int, AddressShare?, Bool) -> Connection
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
            var evicted: (Connection, EvictionRank)?
            if isShareFull || isFull {
                evicted = Self.takeCandidate(isShareFull ? share : nil, &state, now: now)
                guard evicted != nil else {
                    if !isShareFull { isCrowded.store(true, ordering: .relaxed) }
                    let connection = make(number, isShareFull ? share : nil, true)
                    state.connections[number] = connection
                    state.refused.append(number)
                    let excess = state.refused.count - Self.reserve
                    return .refused(
                        connection, aborting: excess > 0 ? state.connections[state.refused[excess - 1]] : nil)
                }
            }
            let connection = make(number, share, false)
            state.connections[number] = connection
            share?.connectionCount.wrappingAdd(1, ordering: .relaxed)
            // It has not sent a byte yet, so it can be evicted itself.
            state.candidates.emptyAt = nil
            return .admitted(connection, evicting: evicted)
        }
    }

    /// Chooses connections to be evicted because the process has no descriptors left.
    func takeEvictions(max: Int, now: ContinuousClock.Instant) -> [(Connection, EvictionRank)] {
        state.withLock { state in
            var evicted: [(Connection, EvictionRank)] = []
            while evicted.count < max, let next = Self.takeCandidate(nil, &state, now: now) { evicted.append(next) }
            return evicted
        }
    }

    /// Whether evicted connections have not closed yet.
    var isMakingRoom: Bool { state.withLock { !$0.evicted.isEmpty } }

    /// Cancels an eviction: the connection is busy now and keeps its place.
    func evictionDeclined(_ number: Int) {
        state.withLock { state in
            guard state.evicted.remove(number) != nil else { return }
            state.connections[number]?.share?.connectionCount.wrappingAdd(1, ordering: .relaxed)
        }
    }

    /// Removes a connection that has closed.
    ///
    /// - Returns: how many connections count against the limit now.
    @discardableResult
    func remove(_ number: Int) -> Int {
        let (connection, waiters, placeCount) = state.withLock { state in
            let connection = state.connections.removeValue(forKey: number)
            let wasEvicted = state.evicted.remove(number) != nil
            if let connection, connection.isRefused {
                state.refused.removeAll { $0 == number }
            } else if !wasEvicted {
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
        _ = connection  // its last reference must not go while the lock is held
        return placeCount
    }

    /// Ends stalled uploads so that their memory is free for another body.
    ///
    /// - Parameters:
    ///   - share: the address whose uploads are ended; nil for all.
    ///   - asking: the connection that needs memory. This is called on its loop.
    /// - Returns: whether memory is free now. Uploads on other loops end a moment later.
    func makeRoomForBodies(_ share: AddressShare?, besides asking: Connection) -> Bool {
        let now = asking.loop.system.now
        let slow = connections.compactMap { connection -> (Connection, EvictionRank)? in
            let rank = EvictionRank(rawValue: connection.evictionRank.load(ordering: .relaxed))
            guard connection !== asking, rank.isReclaimable(now: now),
                share == nil || connection.share === share
            else { return nil }
            return (connection, rank)
        }.sorted { $0.1 < $1.1 }
        var isFreed = false
        for (connection, rank) in slow {
            if connection.loop !== asking.loop {
                connection.loop.execute { connection.reclaimMemory(rank) }
            } else if connection.reclaimMemory(rank) {
                isFreed = true
                break
            }
        }
        return isFreed
    }

    /// Chooses the connection to evict next, and frees its place.
    private static func takeCandidate(
        _ share: AddressShare?, _ state: inout State, now: ContinuousClock.Instant
    ) -> (Connection, EvictionRank)? {
        guard state.evicted.count < reserve else { return nil }
        for isNew in [false, true] {
            if isNew || state.candidates.share !== share {
                let isKnown = state.candidates.share === share
                if isKnown, let emptyAt = state.candidates.emptyAt, now - emptyAt < searchInterval { return nil }
                state.candidates = candidates(share, state, now: now)
            }
            while let (number, rank) = state.candidates.list.popLast() {
                guard let connection = state.connections[number], !state.evicted.contains(number),
                    connection.evictionRank.load(ordering: .relaxed) == rank.rawValue
                else { continue }
                state.evicted.insert(number)
                connection.share?.connectionCount.wrappingSubtract(1, ordering: .relaxed)
                return (connection, rank)
            }
        }
        return nil
    }

    private static func candidates(
        _ share: AddressShare?, _ state: State, now: ContinuousClock.Instant
    ) -> Candidates {
        var list: [(number: Int, rank: EvictionRank)] = []
        for (number, connection) in state.connections where share == nil || connection.share === share {
            let rank = EvictionRank(rawValue: connection.evictionRank.load(ordering: .relaxed))
            guard !connection.isRefused, rank.isEvictable(now: now), !state.evicted.contains(number) else { continue }
            list.append((number, rank))
        }
        list.sort { $0.rank > $1.rank }
        return Candidates(share: share, list: list.suffix(reserve), emptyAt: list.isEmpty ? now : nil)
    }

    /// Removes the shares of addresses that hold nothing. A share is still there if a body outlived its connection.
    private static func sweep(_ state: inout State) {
        guard state.shares.count > 2 * state.connections.count + reserve else { return }
        state.shares = state.shares.filter { !$0.value.isEmpty }
    }

    /// Waits until no connection is open.
    ///
    /// - Parameters:
    ///   - timeout: the longest wait.
    ///   - loop: runs the timer.
    /// - Returns: false if `timeout` has passed before.
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

/// What all connections of one address hold together. Its limits keep one client from using up what all clients share.
final class AddressShare: Sendable {
    let owner: ClientAddress
    /// Its connections that count against the limit. Changed under the registry's lock only.
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
    /// Adds `count` unless the sum would exceed `limit`. No other thread ever sees a sum above it.
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
