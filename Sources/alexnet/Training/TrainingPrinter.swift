import Foundation
import Training

/// Prints the progress of a training: a bar during each epoch, and a line after it.
final class TrainingPrinter: TrainingObserver {
    private let epochCount: Int
    private let advice: String
    private var bar: ProgressBar?
    private var shownCount = 0

    /// - Parameter advice: what to try if the loss stays at chance level.
    init(epochCount: Int, advice: String) {
        self.epochCount = epochCount
        self.advice = advice
    }

    func didStep(_ step: TrainingStep) {
        if bar == nil { begin("epoch \(step.epoch)/\(epochCount)", at: step.imageCount, of: step.imagesPerEpoch) }
        bar?.note = String(format: "loss %.3f", step.loss)
        advance(to: step.imageCount)
    }

    func didValidate(_ count: Int, of total: Int) {
        if bar?.label != Self.validation { begin(Self.validation, at: count, of: total) }
        advance(to: count)
    }

    func didEndEpoch(_ row: HistoryRow, isBest: Bool) {
        clear()
        bar = nil
        print(
            String(
                format: "epoch %3d/%d  train loss %.4f  val loss %.4f  val accuracy %.2f %%  %.0f images/s  %.0f s",
                row.epoch, epochCount, row.trainLoss, row.validationLoss ?? .nan,
                (row.validationAccuracy ?? .nan) * 100, row.imagesPerSecond, row.seconds)
                + (isBest ? "  best so far" : ""))
        // Flushes, so that a reader of a pipe gets the line immediately.
        fflush(nil)
    }

    func didStayAtChance(_ chance: ChanceLevel, _ row: HistoryRow) {
        OutputStream.error.writeIfPossible(
            String(
                format:
                    "alexnet: Nothing is learnt so far: after %d epochs the training loss is %.3f, and guessing among %d "
                    + "classes has %.3f. ",
                row.epoch, row.trainLoss, chance.classCount, chance.loss) + advice + "\n")
    }

    /// Erases the bar.
    func clear() { bar?.clear() }

    private static let validation = "validation"

    /// - Parameter count: the number of images that were done before the bar was shown.
    private func begin(_ label: String, at count: Int, of total: Int) {
        bar?.clear()
        bar = ProgressBar(total: total, unit: "images", label: label, done: count, isShown: true)
        shownCount = count
    }

    private func advance(to count: Int) {
        bar?.advance(by: count - shownCount)
        shownCount = count
    }
}

/// What to try if a training's loss stays at chance level.
struct LearningAdvice {
    /// The advice as a sentence.
    let text: String

    /// - Parameters:
    ///   - rate: the learning rate after the warm-up.
    ///   - usual: the default learning rate.
    init(_ kind: OptimizerSettings.Kind, rate: Double, usual: Double) {
        let now = "(now \(Self.number(rate)))"
        let isAdaptive = [.adam, .adamw, .adagrad].contains(kind)
        let advice =
            if rate > usual * 1.5 {
                "The learning rate may be too high: start over with --force and --lr \(Self.number(usual)) \(now)"
            } else if rate < usual / 1.5 {
                "The learning rate may be too low: start over with --force and --lr \(Self.number(usual)) \(now)"
            } else if isAdaptive {
                "More epochs may help (--resume --epochs), or start over with --force and --lr \(Self.number(rate / 4)) "
                    + "\(now) or --warmup 5"
            } else {
                "A higher learning rate may help: start over with --force and --optimizer adam, or --lr "
                    + "\(Self.number(rate * 10)) \(now)"
            }
        text = advice + ", or from a trained checkpoint with --init-from."
    }

    /// A number with three significant digits.
    private static func number(_ value: Double) -> String { String(format: "%.3g", value) }
}
