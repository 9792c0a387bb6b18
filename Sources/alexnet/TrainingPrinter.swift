import Foundation
import Training

/// Shows a training: a bar while an epoch runs, and a line when it is over.
final class TrainingPrinter: TrainingObserver {
    private let epochCount: Int
    private var bar: ProgressBar?
    private var shownCount = 0

    init(epochCount: Int) { self.epochCount = epochCount }

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
