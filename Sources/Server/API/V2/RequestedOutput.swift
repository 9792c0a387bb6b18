/// One output as a request wants it.
struct RequestedOutput: Equatable, Sendable {
    /// Which of the network's outputs it is.
    enum Source: Equatable, Sendable {
        /// Behind the soft-max.
        case probabilities
        /// Before it.
        case logits
    }

    let source: Source
    /// As the model calls it.
    let name: String
    /// How many classes to name instead of the values of all, where that is wanted.
    var classCount: Int?
    /// Whether it goes behind the JSON as bytes; nil leaves it to the request.
    var isBinary: Bool?
}
