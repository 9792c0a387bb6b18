/// Chooses the algorithm of a layer: by an explicit override, by measured times, or by estimated costs.
public struct AlgorithmSelector: Sendable {
    /// The largest accepted error against float64, relative to a layer's largest output.
    ///
    /// A sum of a few thousand float32 products has an error of about 1e-6. Winograd's tiles of 7 and 8 have about
    /// 1e-5; five such layers change the logits by about 1e-5 of the largest.
    public static let errorLimit = 5e-5

    /// The prescribed algorithms, by the node's name.
    public let overrides: [String: String]
    /// The measured times. An algorithm without a time is ranked by its estimated cost.
    let timings: AlgorithmTimings

    /// A selector. Without overrides and timings it uses the estimated costs.
    public init(overrides: [String: String] = [:], timings: AlgorithmTimings = AlgorithmTimings()) {
        self.overrides = overrides
        self.timings = timings
    }

    /// The preferred algorithm is kept unless another takes less than this share of its time: measurements vary by as
    /// much from run to run.
    private static let margin = 0.9

    /// The algorithms in the order of preference: the override first, then by measured time, then by estimated cost.
    ///
    /// - Parameter other: a second condition under which the layer runs. Its fastest algorithm comes first if it is
    ///   nearly the fastest here too: sharing one algorithm halves the memory for prepared weights. That does not pay for
    ///   an algorithm with large weights.
    func ranking(
        of algorithms: [Algorithm], node: String, workload: String, under condition: AlgorithmTimings.Condition,
        sharing other: AlgorithmTimings.Condition? = nil
    ) -> [Algorithm] {
        precondition(!algorithms.isEmpty, "no algorithm computes \(node)")
        let measured = timings.times(of: workload, under: condition)?.mapValues(\.seconds) ?? [:]
        var times = measured
        func cost(_ algorithm: Algorithm) -> Double { algorithm.cost(batchSize: condition.batchSize) }
        if let favourite = algorithms.min(by: { cost($0) < cost($1) })?.name { times[favourite]? *= Self.margin }
        if let other, let best = measured.values.min(),
            let shared = ranking(of: algorithms, node: node, workload: workload, under: other).first,
            shared.batchCost == 0, let time = measured[shared.name], time * Self.margin <= best
        {
            times[shared.name] = 0
        }
        return algorithms.sorted { left, right in
            let (isLeft, isRight) = (left.name == overrides[node], right.name == overrides[node])
            if isLeft != isRight { return isLeft }
            switch (times[left.name], times[right.name]) {
            case (let left?, let right?): return left < right
            case (nil, nil): return cost(left) < cost(right)
            case (let left, _): return left != nil
            }
        }
    }

    /// The operation with the value of its tuning knob that was fastest; itself if nothing was measured.
    func tuned(
        _ operation: any Operation, workload: String, under condition: AlgorithmTimings.Condition
    ) -> any Operation {
        guard let time = timings.times(of: workload, under: condition)?[operation.name],
            time.setting != operation.setting
        else { return operation }
        return operation.variants(batchSize: condition.batchSize).first { $0.setting == time.setting } ?? operation
    }

    /// Whether `model.json` prescribes the algorithm, whatever its error.
    func isOverriding(_ algorithm: Algorithm, node: String) -> Bool { overrides[node] == algorithm.name }
}
