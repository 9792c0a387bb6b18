import Foundation
import Testing

@testable import Training

@Suite(.timeLimit(.minutes(2))) struct EvaluationTests {
    private func close(_ found: Double, _ expected: Double) -> Bool { abs(found - expected) <= 1e-9 * abs(expected) }

    @Test func `loss, probability and rank of an answer are those that can be worked out by hand`() {
        var evaluation = Evaluation(classCount: 3)
        let third = evaluation.add(logits: [0, 0, 0], label: 1)
        #expect(third.predicted == 0)
        #expect(third.rank == 1)
        #expect(close(third.loss, log(3)))
        #expect(close(third.probability, 1.0 / 3))

        // Probabilities 1/10, 2/10 and 7/10.
        let logits = [1.0, 2, 7].map { Float(log($0)) }
        let wrong = evaluation.add(logits: logits, label: 0)
        #expect(wrong.predicted == 2)
        #expect(wrong.rank == 2)
        #expect(abs(wrong.loss - log(10)) < 1e-6)
        #expect(abs(wrong.probability - 0.7) < 1e-6)
        let right = evaluation.add(logits: logits, label: 2)
        #expect(right.rank == 0)
        #expect(abs(right.loss - log(10.0 / 7)) < 1e-6)

        #expect(evaluation.count == 3)
        #expect(close(evaluation.top1, 1.0 / 3))
        #expect(evaluation.top5 == 1)
        #expect(close(evaluation.loss, (third.loss + wrong.loss + right.loss) / 3))
        #expect(evaluation.confusion.row(0) == [0, 0, 1])
        #expect(evaluation.confusion.row(1) == [1, 0, 0])
    }

    @Test func `five are enough for top-5, six are not`() {
        let logits: [Float] = [6, 5, 4, 3, 2, 1]
        var evaluation = Evaluation(classCount: 6)
        for label in 0..<6 { evaluation.add(logits: logits, label: label) }
        #expect(close(evaluation.top1, 1.0 / 6))
        #expect(close(evaluation.top5, 5.0 / 6))
    }

    @Test func `large logits neither overflow nor vanish`() {
        var evaluation = Evaluation(classCount: 2)
        #expect(evaluation.add(logits: [1e30, -1e30], label: 0).loss == 0)
        #expect(close(evaluation.add(logits: [1e4, 0], label: 1).loss, 1e4))
        #expect(evaluation.loss.isFinite)
    }

    @Test(arguments: [0, 1])
    func `logits that are not numbers are a wrong answer and a loss that is none`(_ label: Int) {
        var evaluation = Evaluation(classCount: 2)
        let outcome = evaluation.add(logits: [.nan, 1], label: label)
        #expect(outcome.predicted != label)
        #expect(outcome.loss.isNaN)
        #expect(evaluation.top1 == 0)
        #expect(evaluation.loss.isNaN)
    }

    @Test func `the parts' evaluations merge into that of the whole`() {
        let answers: [([Float], Int)] = [([1, 2, 3], 2), ([3, 1, 2], 1), ([0, 0, 1], 0), ([2, 1, 0], 0)]
        var whole = Evaluation(classCount: 3)
        var parts = [Evaluation(classCount: 3), Evaluation(classCount: 3)]
        for (index, answer) in answers.enumerated() {
            whole.add(logits: answer.0, label: answer.1)
            parts[index / 2].add(logits: answer.0, label: answer.1)
        }
        parts[0].merge(parts[1])
        #expect(parts[0].confusion == whole.confusion)
        #expect(close(parts[0].loss, whole.loss))
        #expect(parts[0].top5CorrectCount == 4)
    }

    @Test func `nothing is neither right nor wrong`() {
        let evaluation = Evaluation(classCount: 2)
        #expect(evaluation.loss.isNaN && evaluation.top1.isNaN && evaluation.top5.isNaN)
    }

    @Test func `views are averaged as probabilities, not as logits`() {
        let one: [Float] = [0, 0]
        let other: [Float] = [Float(log(9.0)), 0]
        let logits = AveragedViews.logits(of: [one, other])
        // (0.5 + 0.9) / 2 and (0.5 + 0.1) / 2
        #expect(abs(exp(Double(logits[0])) - 0.7) < 1e-6)
        #expect(abs(exp(Double(logits[1])) - 0.3) < 1e-6)
        #expect(AveragedViews.logits(of: [[1000, 0], [1000, 0]])[1].isFinite)
        #expect(AveragedViews.logits(of: []).isEmpty)
    }

    @Test func `the mistakes with the largest loss are kept, equal ones in their order`() {
        var worst = WorstMistakes(limit: 3)
        func outcome(_ loss: Double, _ predicted: Int = 1) -> Evaluation.Outcome {
            Evaluation.Outcome(predicted: predicted, probability: 0.5, loss: loss, rank: 1)
        }
        for (name, loss) in [("a", 1.0), ("b", 3), ("c", 2), ("d", 3), ("e", 2), ("f", .infinity), ("g", .nan)] {
            worst.add(outcome(loss), label: 0, name: name)
        }
        worst.add(outcome(9), label: 1, name: "right")
        #expect(worst.mistakes.map(\.name) == ["f", "b", "d"])
        var none = WorstMistakes(limit: 0)
        none.add(outcome(1), label: 0, name: "a")
        #expect(none.mistakes.isEmpty)
    }
}
