import Foundation
import Training

/// Shows a training: a bar while an epoch runs, and a line when it is over.
final class TrainingPrinter: TrainingObserver {
    private let epochCount: Int
    private let advice: String
    private var bar: ProgressBar?
    private var shownCount = 0

    /// - Parameter advice: what to try where nothing is learnt.
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
        // Whoever reads the lines from a pipe wants them now.
        fflush(nil)
    }

    func didStayAtChance(_ chance: ChanceLevel, _ row: HistoryRow) {
        OutputStream.error.writeIfPossible(
            String(
                format:
                    "alexnet: Nothing is learnt so far: after %d epochs the train loss is %.3f, and guessing among %d "
                    + "classes gives %.3f. ",
                row.epoch, row.trainLoss, chance.classCount, chance.loss) + advice + "\n")
    }

    /// Removes the bar.
    func clear() { bar?.clear() }

    private static let validation = "validation"

    /// - Parameter count: what was done when it began to be shown, or before a pause.
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

/// What to try where a training stays at the loss of guessing.
struct LearningAdvice {
    let text: String

    /// - Parameters:
    ///   - rate: the learning rate after the warm-up.
    ///   - usual: what it is where nobody says otherwise.
    init(_ kind: OptimizerSettings.Kind, rate: Double, usual: Double) {
        let now = "(now \(Self.number(rate)))"
        let isAdaptive = [.adam, .adamw, .adagrad].contains(kind)
        let advice =
            if rate > usual * 1.5 {
                "Steps that are too large end like that: begin anew with --force and --lr \(Self.number(usual)) \(now)"
            } else if rate < usual / 1.5 {
                "Steps that are too small look like that: begin anew with --force and --lr \(Self.number(usual)) \(now)"
            } else if isAdaptive {
                "It may need more epochs (--resume --epochs), or begin anew with --force and --lr \(Self.number(rate / 4)) "
                    + "\(now) or --warmup 5"
            } else {
                "It may need longer steps: begin anew with --force and --optimizer adam, or --lr \(Self.number(rate * 10)) "
                    + now
            }
        text = advice + ", or with a trained checkpoint, --init-from."
    }

    /// Without the last digits of a quotient.
    private static func number(_ value: Double) -> String { String(format: "%.3g", value) }
}
