/// What became of one model version's requests since it was loaded, and what they took.
struct ModelStatistics: Sendable, Equatable {
    /// How often something took time, and how much together.
    struct Tally: Sendable, Equatable {
        private(set) var count = 0
        private(set) var total = Duration.zero

        mutating func add(_ duration: Duration) {
            count += 1
            total += duration
        }
    }

    /// From a request whose content has been read to its answer; those that were answered.
    var success = Tally()
    /// The same of those that were not, because of their pictures, the queue or the deadline.
    var failure = Tally()
    /// What an answered request waited for the network once it was decoded.
    var queue = Tally()
    /// Decoding and preprocessing of an answered request's pictures.
    var input = Tally()
    /// What the batch of an answered request took in the network.
    var inference = Tally()
    /// Writing an answer.
    var output = Tally()
    /// The forward passes, by how many pictures they had.
    var batches: [Int: Tally] = [:]
    /// Pictures that were answered.
    var pictureCount = 0
    /// When the last request was answered. Units: milliseconds since 1970; 0 before the first.
    var lastInference = 0

    /// Forward passes of any size.
    var batchCount: Int { batches.values.reduce(0) { $0 + $1.count } }
}
