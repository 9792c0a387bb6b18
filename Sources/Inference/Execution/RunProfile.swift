/// What one run of a network took, step by step.
public struct RunProfile: Sendable {
    /// One operation's share.
    public struct Step: Sendable {
        /// The layer's name.
        public let node: String
        /// The operation's name.
        public let algorithm: String
        /// Of the whole batch, by the layer's definition.
        public let multiplyAddCount: Int
        /// All of its runs together; where threads take images of their own, divided by the threads.
        public let duration: Duration
    }

    public let batchSize: Int
    public let steps: [Step]

    /// All steps together.
    public var duration: Duration { steps.reduce(.zero) { $0 + $1.duration } }
}
