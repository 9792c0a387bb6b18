import Synchronization

/// The memory that the bodies of all requests together may take, and those of one address: thousands of clients that each
/// stay within their own limit could still fill the machine, and one could leave nothing to the others.
final class BodyBudget: Sendable {
    /// Of all bodies. Units: bytes.
    let limit: Int
    /// Of the bodies of one address. Units: bytes.
    let addressLimit: Int
    private let taken = Atomic(0)

    init(limit: Int, addressLimit: Int) {
        self.limit = limit
        self.addressLimit = min(addressLimit, limit)
    }

    /// How much is taken. Units: bytes.
    var byteCount: Int { taken.load(ordering: .relaxed) }

    /// Which limit leaves no room.
    enum Shortage: Equatable {
        case all
        case address
    }

    /// Takes bytes if there are as many left, for an address that has a share or for one that needs none.
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

/// One request's part of a ``BodyBudget``: the memory that is set aside for its body, whether bytes have come for it or not. It
/// is given back when the request is over.
final class BodyReservation: @unchecked Sendable {  // guard: touched on its connection's loop only
    /// Units: bytes.
    private(set) var byteCount = 0
    private let budget: BodyBudget
    private let share: AddressShare?
    /// Asked for room that others hold, where there is none; whether some may be free now.
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

    /// Takes so much that the body has `capacity` bytes, or else `least`.
    ///
    /// - Returns: how many it has now.
    /// - Throws: ``RequestError/tooManyBodies(limit:isShare:)``
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

/// Memory of large bodies that are over, for those that come: taking it anew from the system costs more than filling it.
final class BodyPool: Sendable {
    /// Arrays below this size come from the heap, which has its own ways. Units: bytes.
    static let smallest = 128 * 1024
    /// A body does not take memory that is larger than it by more than this factor.
    private static let mostExcess = 4

    /// How much is kept at most. Units: bytes.
    let limit: Int
    /// The one that was kept first comes first.
    private let arrays = Mutex<[[UInt8]]>([])

    init(limit: Int) { self.limit = limit }

    /// Whether nothing is kept.
    var isEmpty: Bool { arrays.withLock(\.isEmpty) }

    /// An empty array with room for so many bytes.
    func array(minimumCapacity: Int) -> [UInt8] {
        // One name for it all the way: with a second one it would have two owners.
        var array: [UInt8] = arrays.withLock { arrays in
            let fitting = arrays.indices.filter {
                arrays[$0].capacity >= minimumCapacity
                    && arrays[$0].capacity / Self.mostExcess <= minimumCapacity
            }
            let smallest = fitting.min { arrays[$0].capacity < arrays[$1].capacity }
            return smallest.map { arrays.remove(at: $0) } ?? []
        }
        // If somebody still reads the old content, this makes another array.
        array.removeAll(keepingCapacity: true)
        array.reserveCapacity(minimumCapacity)
        return array
    }

    /// Takes an array that nobody needs any more; what was kept longest makes room for it.
    func keep(_ array: [UInt8]) {
        guard array.capacity >= Self.smallest, array.capacity <= limit else { return }
        // Freed behind the lock.
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
