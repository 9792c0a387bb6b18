import Foundation

/// How fast a network learns at each step.
///
/// Whatever the form, the rate rises in a straight line over the first steps where that is asked for: to
/// base · (step + 1) / warmupStepCount.
public struct LearningRateSchedule: Codable, Equatable, Sendable {
    /// What becomes of the rate.
    public enum Form: Codable, Equatable, Sendable {
        /// Nothing.
        case constant
        /// It is multiplied by the factor every so many epochs.
        ///
        /// - Source: `torch.optim.lr_scheduler.StepLR`
        case step(epochCount: Int, factor: Double)
        /// It is multiplied by the factor where more than `patience` epochs one after the other have not brought the validation
        /// loss down by at least a ten-thousandth: the paper divides by ten.
        ///
        /// - Source: Krizhevsky et al. 2012, §5; `torch.optim.lr_scheduler.ReduceLROnPlateau`
        case plateau(patience: Int, factor: Double)
        /// It falls along half a cosine, from the end of the warm-up, to the minimum at the end of the last epoch.
        ///
        /// - Source: `torch.optim.lr_scheduler.CosineAnnealingLR`; Loshchilov and Hutter 2017, arXiv:1608.03983
        case cosine(minimum: Double)
    }

    public let form: Form
    /// The rate after the warm-up.
    public let base: Double
    /// 0 for none.
    public let warmupStepCount: Int
    /// The training's length, which only a cosine needs.
    public let epochCount: Int
    public let stepsPerEpoch: Int

    /// What a plateau remembers from epoch to epoch.
    public private(set) var plateau = Plateau()

    /// - Throws: ``HyperparameterError`` for a number that no training works with.
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

    /// - Throws: ``HyperparameterError`` for a number that no training works with.
    public func validate() throws(HyperparameterError) {
        guard base > 0 && base <= Self.maxRate else {
            throw .outOfRange(
                name: "learning rate", found: "\(base)", expected: "a number above 0, \(Self.maxRate) at most,")
        }
        try check("number of epochs", epochCount, from: 1)
        try check("number of steps an epoch", stepsPerEpoch, from: 1)
        try check("number of warm-up steps", warmupStepCount, from: 0)
        try check("number of epochs without progress", plateau.stalledEpochCount, from: 0)
        try check("number of reductions of the learning rate", plateau.reductionCount, from: 0)
        switch form {
        case .constant: break
        case .step(let epochCount, let factor):
            try check("number of epochs a step of the schedule", epochCount, from: 1)
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

    /// The rate of a step, counted from 0 over all epochs.
    public func rate(at step: Int) -> Double {
        if step < warmupStepCount { return base * Double(step + 1) / Double(warmupStepCount) * decline(at: step) }
        return floor + (base - floor) * decline(at: step)
    }

    /// Tells the schedule how an epoch went.
    ///
    /// - Returns: whether the rate falls.
    @discardableResult
    public mutating func endEpoch(validationLoss: Double) -> Bool {
        guard case .plateau(let patience, _) = form else { return false }
        return plateau.endEpoch(loss: validationLoss, patience: patience)
    }

    /// Continues where a schedule of the same form was.
    public mutating func resume(_ plateau: Plateau) { self.plateau = plateau }

    /// Beyond, every network diverges.
    private static let maxRate = 1e3
    /// No training counts further.
    private static let maxCount = 1 << 40

    private var floor: Double { if case .cosine(let minimum) = form { minimum } else { 0 } }

    /// What is left of the way from the base to the floor.
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
            throw .outOfRange(name: "schedule's factor", found: "\(factor)", expected: "a number above 0, 1 at most,")
        }
    }

    private func check(_ name: String, _ count: Int, from least: Int) throws(HyperparameterError) {
        guard (least...Self.maxCount).contains(count) else {
            throw .outOfRange(name: name, found: "\(count)", expected: "a number from \(least) to \(Self.maxCount)")
        }
    }
}

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
