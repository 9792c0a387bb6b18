import Synchronization

/// Limits the memory of all request bodies together, and of those from one address.
///
/// Thousands of clients that each stay within their own limit could still fill the machine, and one client could leave
/// nothing for the others.
final class BodyBudget: Sendable {
    /// The limit for all bodies. Units: bytes.
    let limit: Int
    /// The limit for the bodies from one address. Units: bytes.
    let addressLimit: Int
    private let taken = Atomic(0)

    init(limit: Int, addressLimit: Int) {
        self.limit = limit
        self.addressLimit = min(addressLimit, limit)
    }

    /// How much is reserved. Units: bytes.
    var byteCount: Int { taken.load(ordering: .relaxed) }

    /// Which limit is exhausted.
    enum Shortage: Equatable {
        /// The limit for all bodies.
        case all
        /// The limit for one address.
        case address
    }

    /// Reserves bytes unless that exceeds a limit. Without a share, only the limit for all bodies applies.
    ///
    /// - Returns: the limit that is exhausted; nil on success.
    fileprivate func take(_ byteCount: Int, for share: AddressShare?) -> Shortage? {
        if let share, !share.bodyBytes.add(byteCount, upTo: addressLimit) { return .address }
        if taken.add(byteCount, upTo: limit) { return nil }
        share?.bodyBytes.wrappingSubtract(byteCount, ordering: .relaxed)
        return .all
    }

    fileprivate func giveBack(_ byteCount: Int, of share: AddressShare?) {
        taken.wrappingSubtract(byteCount, ordering: .relaxed)
        share?.bodyBytes.wrappingSubtract(byteCount, ordering: .relaxed)
    }
}

/// One request's part of a ``BodyBudget``: the memory that is reserved for its body, whether bytes have arrived or not.
/// It is released when the request is over.
final class BodyReservation: @unchecked Sendable {  // guard: touched on its connection's loop only
    /// How much is reserved. Units: bytes.
    private(set) var byteCount = 0
    private let budget: BodyBudget
    private let share: AddressShare?
    /// Called when a limit is exhausted: reclaims memory from slow uploads. Returns whether another try may succeed.
    private let makeRoom: (BodyBudget.Shortage) -> Bool

    init(
        _ budget: BodyBudget, share: AddressShare? = nil,
        makeRoom: @escaping (BodyBudget.Shortage) -> Bool = { _ in false }
    ) {
        self.budget = budget
        self.share = share
        self.makeRoom = makeRoom
    }

    deinit { budget.giveBack(byteCount, of: share) }

    /// Raises the reservation to `capacity` bytes, or to `least` if `capacity` does not fit.
    ///
    /// - Returns: how many bytes are reserved now.
    /// - Throws: ``RequestError/tooManyBodies(limit:isShare:)`` if `least` does not fit either.
    func grow(to capacity: Int, orAtLeast least: Int) throws(RequestError) -> Int {
        if capacity <= byteCount || budget.take(capacity - byteCount, for: share) == nil {
            byteCount = max(byteCount, capacity)
            return byteCount
        }
        guard least > byteCount else { return byteCount }
        while let shortage = budget.take(least - byteCount, for: share) {
            guard makeRoom(shortage) else {
                let isShare = shortage == .address
                throw .tooManyBodies(limit: isShare ? budget.addressLimit : budget.limit, isShare: isShare)
            }
        }
        byteCount = least
        return byteCount
    }
}

/// Reuses the arrays of finished large bodies: to get fresh memory from the system costs more than to fill it.
final class BodyPool: Sendable {
    /// Arrays below this size are not kept: the allocator reuses them itself. Units: bytes.
    static let smallest = 128 * 1024
    /// A kept array is reused for a body only if it is at most this many times as large.
    private static let mostExcess = 4

    /// The most that all kept arrays hold together. Units: bytes.
    let limit: Int
    /// The kept arrays, oldest first.
    private let arrays = Mutex<[[UInt8]]>([])

    init(limit: Int) { self.limit = limit }

    /// Whether nothing is kept.
    var isEmpty: Bool { arrays.withLock(\.isEmpty) }

    /// An empty array with room for this many bytes: the smallest kept one that fits, or a new one.
    func array(minimumCapacity: Int) -> [UInt8] {
        // One variable throughout: a second one would be a second owner, and the array would be copied.
        var array: [UInt8] = arrays.withLock { arrays in
            let fitting = arrays.indices.filter {
                arrays[$0].capacity >= minimumCapacity
                    && arrays[$0].capacity / Self.mostExcess <= minimumCapacity
            }
            let smallest = fitting.min { arrays[$0].capacity < arrays[$1].capacity }
            return smallest.map { arrays.remove(at: $0) } ?? []
        }
        // If the old content is still referenced elsewhere, this allocates another array.
        array.removeAll(keepingCapacity: true)
        array.reserveCapacity(minimumCapacity)
        return array
    }

    /// Keeps an array that is no longer needed; the oldest ones are dropped to make room for it.
    func keep(_ array: [UInt8]) {
        guard array.capacity >= Self.smallest, array.capacity <= limit else { return }
        // Freed after the lock is released.
        let dropped = arrays.withLock { arrays in
            arrays.append(array)
            var excess = arrays.reduce(0) { $0 + $1.capacity } - limit
            let count = arrays.firstIndex {
                if excess <= 0 { return true }
                excess -= $0.capacity
                return false
            }
            defer { arrays.removeFirst(count ?? 0) }
            return Array(arrays.prefix(count ?? 0))
        }
        withExtendedLifetime(dropped) {}
    }
}
