extension LearningRateSchedule {
    /// Watches whether the validation loss still falls.
    ///
    /// - Source: `torch.optim.lr_scheduler.ReduceLROnPlateau` with its relative threshold of 1e-4
    public struct Plateau: Codable, Equatable, Sendable {
        /// The lowest loss that counted; nil before the first epoch.
        public private(set) var best: Double?
        /// How many epochs since then, or since the last reduction, brought nothing.
        public private(set) var stalledEpochCount = 0
        /// How often the rate was reduced.
        public private(set) var reductionCount = 0

        /// A loss has to be lower by this share to count.
        private static let threshold = 1e-4

        init() {}

        /// - Returns: whether the rate falls.
        mutating func endEpoch(loss: Double, patience: Int) -> Bool {
            if loss.isFinite, best.map({ loss < $0 * (1 - Self.threshold) }) ?? true {
                best = loss
                stalledEpochCount = 0
            } else {
                stalledEpochCount += 1
            }
            guard stalledEpochCount > patience else { return false }
            stalledEpochCount = 0
            reductionCount += 1
            return true
        }
    }
}
