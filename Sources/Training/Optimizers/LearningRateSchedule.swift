import Foundation

/// The learning rate schedule: the learning rate of each step.
///
/// In every form, the rate can rise linearly over the first steps (warm-up): base · (step + 1) / warmupStepCount.
public struct LearningRateSchedule: Codable, Equatable, Sendable {
    /// The form of the schedule.
    public enum Form: Codable, Equatable, Sendable {
        /// The rate does not change.
        case constant
        /// The rate is multiplied by `factor` every `epochCount` epochs.
        ///
        /// - Source: `torch.optim.lr_scheduler.StepLR`
        case step(epochCount: Int, factor: Double)
        /// The rate is multiplied by `factor` after more than `patience` consecutive epochs without progress. Progress
        /// is a relative decrease of the validation loss by at least 1e-4. The paper divides by ten.
        ///
        /// - Source: Krizhevsky et al. 2012, §5; `torch.optim.lr_scheduler.ReduceLROnPlateau`
        case plateau(patience: Int, factor: Double)
        /// Cosine annealing: after the warm-up, the rate falls along half a cosine, to `minimum` at the end of the last
        /// epoch.
        ///
        /// - Source: `torch.optim.lr_scheduler.CosineAnnealingLR`; Loshchilov and Hutter 2017, arXiv:1608.03983
        case cosine(minimum: Double)
    }

    /// The form of the schedule.
    public let form: Form
    /// The learning rate after the warm-up.
    public let base: Double
    /// The number of warm-up steps; 0 for none.
    public let warmupStepCount: Int
    /// The length of the training, used only by ``Form/cosine(minimum:)``. Units: epochs.
    public let epochCount: Int
    /// The number of steps in an epoch.
    public let stepsPerEpoch: Int

    /// The state of ``Form/plateau(patience:factor:)``.
    public private(set) var plateau = Plateau()

    /// - Throws: ``HyperparameterError`` for a hyperparameter out of range.
    public init(
        _ form: Form, base: Double, warmupStepCount: Int = 0, epochCount: Int, stepsPerEpoch: Int
    ) throws(HyperparameterError) {
        self.form = form
        self.base = base
        self.warmupStepCount = warmupStepCount
        self.epochCount = epochCount
        self.stepsPerEpoch = stepsPerEpoch
        try validate()
    }

    /// - Throws: ``HyperparameterError`` for a hyperparameter out of range.
    public func validate() throws(HyperparameterError) {
        guard base > 0 && base <= Self.maxRate else {
            throw .outOfRange(
                name: "learning rate", found: "\(base)", expected: "a number above 0 and at most \(Self.maxRate)")
        }
        try check("number of epochs", epochCount, from: 1)
        try check("number of steps in an epoch", stepsPerEpoch, from: 1)
        try check("number of warm-up steps", warmupStepCount, from: 0)
        try check("number of epochs without progress", plateau.stalledEpochCount, from: 0)
        try check("number of reductions of the learning rate", plateau.reductionCount, from: 0)
        switch form {
        case .constant: break
        case .step(let epochCount, let factor):
            try check("number of epochs between the schedule's steps", epochCount, from: 1)
            try check(factor: factor)
        case .plateau(let patience, let factor):
            try check("patience", patience, from: 0)
            try check(factor: factor)
        case .cosine(let minimum):
            guard minimum >= 0 && minimum <= base else {
                throw .outOfRange(
                    name: "lowest learning rate", found: "\(minimum)",
                    expected: "a number from 0 to the learning rate \(base)")
            }
        }
    }

    /// The learning rate of a step, counted from 0 over all epochs.
    public func rate(at step: Int) -> Double {
        if step < warmupStepCount { return base * Double(step + 1) / Double(warmupStepCount) * decline(at: step) }
        return floor + (base - floor) * decline(at: step)
    }

    /// Ends an epoch. On a plateau, this may lower the rate.
    ///
    /// - Returns: whether the rate falls.
    @discardableResult
    public mutating func endEpoch(validationLoss: Double) -> Bool {
        guard case .plateau(let patience, _) = form else { return false }
        return plateau.endEpoch(loss: validationLoss, patience: patience)
    }

    /// Restores the plateau's state in a schedule of the same form.
    public mutating func resume(_ plateau: Plateau) { self.plateau = plateau }

    /// The largest learning rate. With a larger one, every network diverges.
    private static let maxRate = 1e3
    /// The largest count of steps or epochs.
    private static let maxCount = 1 << 40

    private var floor: Double { if case .cosine(let minimum) = form { minimum } else { 0 } }

    /// The remaining share of the distance between floor and base, 0…1.
    private func decline(at step: Int) -> Double {
        switch form {
        case .constant: return 1
        case .step(let epochCount, let factor): return pow(factor, Double(step / stepsPerEpoch / epochCount))
        case .plateau(_, let factor): return pow(factor, Double(plateau.reductionCount))
        case .cosine:
            let (length, overflow) = stepsPerEpoch.multipliedReportingOverflow(by: epochCount)
            guard !overflow, step >= warmupStepCount, length > warmupStepCount else { return 1 }
            let progress = Double(step - warmupStepCount) / Double(length - warmupStepCount)
            return (1 + cos(.pi * min(progress, 1))) / 2
        }
    }

    private func check(factor: Double) throws(HyperparameterError) {
        guard factor > 0 && factor <= 1 else {
            throw .outOfRange(name: "schedule's factor", found: "\(factor)", expected: "a number above 0 and at most 1")
        }
    }

    private func check(_ name: String, _ count: Int, from least: Int) throws(HyperparameterError) {
        guard (least...Self.maxCount).contains(count) else {
            throw .outOfRange(name: name, found: "\(count)", expected: "a number from \(least) to \(Self.maxCount)")
        }
    }
}

extension LearningRateSchedule {
    /// Detects that the validation loss has stopped falling.
    ///
    /// - Source: `torch.optim.lr_scheduler.ReduceLROnPlateau` with its relative threshold of 1e-4
    public struct Plateau: Codable, Equatable, Sendable {
        /// The lowest validation loss so far; nil before the first epoch.
        public private(set) var best: Double?
        /// The number of epochs without progress, since the best loss or the last reduction.
        public private(set) var stalledEpochCount = 0
        /// The number of reductions of the rate.
        public private(set) var reductionCount = 0

        /// The relative decrease of the loss that counts as progress.
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
