import Algorithms

/// What a model says about one picture.
public struct Classification: Sendable, Equatable {
    /// One class and how likely it is.
    public struct Candidate: Sendable, Equatable {
        /// The class's name.
        public let label: String
        /// 0…1.
        public let probability: Float
        /// Its place in the class map.
        public let index: Int
    }

    /// The most likely classes, best first; at least one.
    public let top: [Candidate]

    /// The class itself.
    public var best: Candidate { top[0] }

    /// Ranks a network's outputs; of two equal ones the lower index comes first.
    ///
    /// - Parameter count: how many candidates to keep, at least one and at most as many as there are classes.
    public init(logits: [Float], classes: ClassMap, top count: Int) {
        let probabilities = Softmax.probabilities(of: logits)
        let ranked = probabilities.indices.min(count: max(count, 1)) {
            (probabilities[$0], logits[$0], -$0) > (probabilities[$1], logits[$1], -$1)
        }
        top = ranked.map {
            Candidate(label: classes.names[$0], probability: probabilities[$0], index: $0)
        }
    }
}
