/// Decides by which of several operations a layer is computed.
public struct AlgorithmSelector: Sendable {
    /// Algorithms by the name of the node, where the choice is not left to the selector.
    public let overrides: [String: String]

    /// A selector; without overrides it trusts the layers' order.
    public init(overrides: [String: String] = [:]) { self.overrides = overrides }

    /// The overriding algorithm where it is on offer, and otherwise the first: layers list their best known way first.
    func select(from candidates: [any Operation], node: String, batchSize: Int) -> Int {
        precondition(!candidates.isEmpty, "no operation computes \(node)")
        return candidates.firstIndex { $0.name == overrides[node] } ?? 0
    }
}
