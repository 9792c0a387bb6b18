import Synchronization

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
