/// How one epoch went.
public struct HistoryRow: Codable, Equatable, Sendable {
    /// From 1.
    public let epoch: Int
    /// The mean over the epoch's pictures, each as it was when the network saw it, dropout and all.
    public let trainLoss: Double
    /// 0…1, in the same way.
    public let trainAccuracy: Double
    /// After the epoch; nil where nothing was held out.
    public let validationLoss: Double?
    /// 0…1; nil where nothing was held out.
    public let validationAccuracy: Double?
    /// Of the epoch's last step.
    public let learningRate: Double
    /// While training, to the thousandth.
    public let imagesPerSecond: Double
    /// Training and validation, to the thousandth.
    public let seconds: Double

    /// What an epoch's number can be.
    static let epochs = 1...1_000_000_000

    /// The names are those of `history.csv`, in its order.
    enum CodingKeys: String, CodingKey, CaseIterable {
        case epoch
        case trainLoss = "train_loss"
        case trainAccuracy = "train_accuracy"
        case validationLoss = "val_loss"
        case validationAccuracy = "val_accuracy"
        case learningRate = "learning_rate"
        case imagesPerSecond = "images_per_second"
        case seconds
    }

    public init(
        epoch: Int, trainLoss: Double, trainAccuracy: Double, validationLoss: Double?, validationAccuracy: Double?,
        learningRate: Double, imagesPerSecond: Double, seconds: Double
    ) {
        self.epoch = epoch
        self.trainLoss = trainLoss
        self.trainAccuracy = trainAccuracy
        self.validationLoss = validationLoss
        self.validationAccuracy = validationAccuracy
        self.learningRate = learningRate
        self.imagesPerSecond = (imagesPerSecond * 1000).rounded() / 1000
        self.seconds = (seconds * 1000).rounded() / 1000
    }

    /// Whether the epoch classifies better what was held out: more of it right, or as much with a lower loss.
    ///
    /// Small validation parts tie often: of twenty images there are 21 accuracies.
    public func isBetter(than other: HistoryRow) -> Bool {
        let (accuracy, otherAccuracy) = (validationAccuracy ?? -.infinity, other.validationAccuracy ?? -.infinity)
        guard accuracy == otherAccuracy else { return accuracy > otherAccuracy }
        func loss(_ row: HistoryRow) -> Double { row.validationLoss.flatMap { $0.isNaN ? nil : $0 } ?? .infinity }
        return loss(self) < loss(other)
    }
}
