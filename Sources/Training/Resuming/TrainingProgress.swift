/// Where a training is, between two steps.
public struct TrainingProgress: Codable, Equatable, Sendable {
    /// The epoch that the next step belongs to, from 1.
    public var epoch = 1
    /// How many of its steps were taken.
    public var step = 0

    // What the epoch's row of the history is made of.

    /// The sum of its pictures' losses so far.
    public var lossSum = 0.0
    /// How many of its pictures were told right so far.
    public var correctCount = 0
    /// How many of its pictures were seen so far.
    public var imageCount = 0
    /// How long it has taken so far.
    public var seconds = 0.0

    /// The best validation accuracy of all epochs; nil before the first.
    public var bestAccuracy: Double?
    /// The epoch it came from.
    public var bestEpoch: Int?

    /// Before the first step.
    public init() {}

    /// Begins the next epoch.
    public mutating func beginEpoch() {
        epoch += 1
        step = 0
        lossSum = 0
        correctCount = 0
        imageCount = 0
        seconds = 0
    }

    /// What is wrong with numbers from a file, or nil.
    var flaw: String? {
        if !HistoryRow.epochs.contains(epoch) { return "epoch \(epoch)" }
        for count in [step, correctCount, imageCount] where !(0...1 << 40).contains(count) { return "count \(count)" }
        if !lossSum.isFinite { return "sum of losses \(lossSum)" }
        if !(seconds >= 0 && seconds.isFinite) { return "duration \(seconds)" }
        if let bestAccuracy, !(0...1).contains(bestAccuracy) { return "best accuracy \(bestAccuracy)" }
        if let bestEpoch, !(1...epoch).contains(bestEpoch) { return "best epoch \(bestEpoch)" }
        return nil
    }
}
