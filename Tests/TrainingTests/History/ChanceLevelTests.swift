import Foundation
import Testing

@testable import Training

@Suite(.timeLimit(.minutes(2))) struct ChanceLevelTests {
    private func history(_ losses: [Double]) -> History {
        var history = History()
        for (index, loss) in losses.enumerated() {
            history.append(
                HistoryRow(
                    epoch: index + 1, trainLoss: loss, trainAccuracy: 0.3, validationLoss: loss,
                    validationAccuracy: 0.3, learningRate: 1e-3, imagesPerSecond: 1, seconds: 1))
        }
        return history
    }

    /// The epochs after which it is said.
    private func told(_ losses: [Double], steps: Int = 10) -> [Int] {
        let chance = ChanceLevel(labels: [0, 1, 2], classCount: 3)
        return losses.indices.map { $0 + 1 }.filter { count in
            chance.isReached(
                by: history(Array(losses[..<count])), stepsPerEpoch: steps, isLast: count == losses.count)
        }
    }

    @Test func `it is the entropy of the classes`() {
        #expect(abs(ChanceLevel(labels: [0, 1, 2, 2, 1, 0], classCount: 3).loss - log(3)) < 1e-12)
        #expect(
            abs(ChanceLevel(labels: [0, 0, 0, 1], classCount: 2).loss - (0.75 * log(4.0 / 3) + 0.25 * log(4))) < 1e-12)
        #expect(ChanceLevel(labels: [1, 1], classCount: 2).loss == 0)
        // Smoothing takes frequencies towards each other.
        let smooth = ChanceLevel(labels: [0, 0, 0, 1], classCount: 2, smoothing: 0.2).loss
        #expect(abs(smooth - (0.7 * log(1 / 0.7) + 0.3 * log(1 / 0.3))) < 1e-12)
    }

    @Test func `it is said once, after four epochs and thirty steps, and not of what has left it`() {
        #expect(told([1.2, 1.1, 1.083, 1.099, 1.098]) == [4])
        #expect(told([2.5, 1.099, 1.098, 1.098, 1.098], steps: 3) == [5], "after too few steps, at the end")
        #expect(told(Array(repeating: 1.099, count: 14), steps: 3) == [10])
        #expect(told([1.099, 1.05, 0.9, 0.8]) == [])
        #expect(told([1.2, 1.1, 1.06, 1.0, 0.9]) == [], "it left after the second epoch")
        #expect(told([0.9, 0.8, 1.1, 1.1, 1.1, 1.1]) == [6], "it died later")
        #expect(told([1.1]) == [1])
        #expect(told([1.101, 1.078, 1.067]) == [], "it is leaving")
    }
}
