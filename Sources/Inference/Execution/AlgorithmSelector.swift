/// Decides by which of several operations a layer is computed.
public struct AlgorithmSelector: Sendable {
    /// Algorithms by the name of the node, where the choice is not left to the selector.
    public let overrides: [String: String]

    /// A selector; without overrides it trusts the algorithms' own estimates.
    public init(overrides: [String: String] = [:]) { self.overrides = overrides }

    /// The overriding algorithm where it is on offer, and otherwise the one that is expected to cost least.
    func select(from algorithms: [Algorithm], node: String, batchSize: Int) -> Int {
        precondition(!algorithms.isEmpty, "no algorithm computes \(node)")
        if let choice = algorithms.firstIndex(where: { $0.name == overrides[node] }) { return choice }
        return algorithms.indices.min { algorithms[$0].cost < algorithms[$1].cost } ?? 0
    }
}
