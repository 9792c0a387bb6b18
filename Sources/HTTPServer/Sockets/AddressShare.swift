import Synchronization

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
