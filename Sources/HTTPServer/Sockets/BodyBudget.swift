import Synchronization

/// The memory that the bodies of all requests together may take: thousands of clients that each stay within their own
/// limit could still fill the machine.
final class BodyBudget: Sendable {
    /// Units: bytes.
    let limit: Int
    private let reserved = Atomic(0)

    init(limit: Int) { self.limit = limit }

    /// Takes bytes if there are as many left.
    fileprivate func take(_ byteCount: Int) -> Bool {
        let (_, total) = reserved.wrappingAdd(byteCount, ordering: .relaxed)
        if total <= limit { return true }
        giveBack(byteCount)
        return false
    }

    fileprivate func giveBack(_ byteCount: Int) { reserved.wrappingSubtract(byteCount, ordering: .relaxed) }
}

/// One request's share of a ``BodyBudget``; it is given back when the request is over.
final class BodyReservation: @unchecked Sendable {  // guard: touched on its connection's loop only
    /// How much of the body has come. Units: bytes.
    private(set) var received = 0
    private var byteCount = 0
    private let budget: BodyBudget

    init(_ budget: BodyBudget) { self.budget = budget }

    deinit { budget.giveBack(byteCount) }

    /// Makes room for the next bytes.
    ///
    /// - Parameter announced: how many there will be in all, if that was said.
    /// - Throws: ``RequestError/tooManyBodies(limit:)``
    func grow(by count: Int, announced: Int?) throws(RequestError) {
        let needed = BodyBytes.allowance(received + count, announced: announced)
        guard budget.take(needed - byteCount) else { throw .tooManyBodies(limit: budget.limit) }
        byteCount = needed
        received += count
    }
}
