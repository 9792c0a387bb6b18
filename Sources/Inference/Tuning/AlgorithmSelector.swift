/// Decides by which of several algorithms a layer is computed.
public struct AlgorithmSelector: Sendable {
    /// The largest error against float64, relative to a layer's largest output, with which an algorithm is eligible.
    ///
    /// A sum of a few thousand float32 products has an error of about 1e-6; Winograd's tiles of 7 and 8 come to 1e-5, and
    /// five layers of them to 1e-5 of the largest logit.
    public static let errorLimit = 5e-5

    /// Algorithms by the name of the node, where the choice is not left to the selector.
    public let overrides: [String: String]
    /// What was measured; where it was not, the algorithms' own estimates count.
    let timings: AlgorithmTimings

    /// A selector; without overrides and timings it trusts the algorithms' own estimates.
    public init(overrides: [String: String] = [:], timings: AlgorithmTimings = AlgorithmTimings()) {
        self.overrides = overrides
        self.timings = timings
    }

    /// By how much an algorithm must be faster than another one to displace it: times on a busy machine differ by that much
    /// from run to run.
    private static let margin = 0.9

    /// The algorithms in the order in which they should be tried: the overriding one, then the fastest by measurement, then
    /// the one that is expected to cost least.
    ///
    /// - Parameter other: a condition whose algorithm is taken where it is nearly the fastest here too, since weights that
    ///   are prepared once take half the memory.
    func ranking(
        of algorithms: [Algorithm], node: String, workload: String, under condition: AlgorithmTimings.Condition,
        sharing other: AlgorithmTimings.Condition? = nil
    ) -> [Algorithm] {
        precondition(!algorithms.isEmpty, "no algorithm computes \(node)")
        let measured = timings.times(of: workload, under: condition) ?? [:]
        var times = measured
        if let favourite = algorithms.min(by: { $0.cost < $1.cost })?.name { times[favourite]? *= Self.margin }
        if let other, let best = measured.values.min(),
            let shared = ranking(of: algorithms, node: node, workload: workload, under: other).first?.name,
            let time = measured[shared], time * Self.margin <= best
        {
            times[shared] = 0
        }
        return algorithms.sorted { left, right in
            let (isLeft, isRight) = (left.name == overrides[node], right.name == overrides[node])
            if isLeft != isRight { return isLeft }
            switch (times[left.name], times[right.name]) {
            case (let left?, let right?): return left < right
            case (nil, nil): return left.cost < right.cost
            case (let left, _): return left != nil
            }
        }
    }

    /// Is the algorithm one that the model's description asks for, whatever its precision?
    func isOverriding(_ algorithm: Algorithm, node: String) -> Bool { overrides[node] == algorithm.name }
}
