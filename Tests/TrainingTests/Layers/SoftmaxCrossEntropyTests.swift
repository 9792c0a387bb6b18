import Foundation
import Testing

@testable import Training

@Suite(.timeLimit(.minutes(2))) struct SoftmaxCrossEntropyTests {
    /// One case of `Fixtures/CrossEntropy/cross_entropy.json`.
    private struct Fixture: Decodable {
        let classCount: Int
        let smoothing: Float
        let logits: [Float]
        let labels: [Int]
        let loss: Double
        let correct: Int
        let gradient: [Double]
    }

    @Test func `equal logits of four classes lose log 4, and the first counts as the answer`() {
        var gradient = [Float](repeating: 9, count: 4)
        let result = SoftmaxCrossEntropy.evaluate(
            logits: [1, 1, 1, 1], labels: [0], classCount: 4, gradient: &gradient)
        #expect(abs(result.loss - log(4)) < 1e-12)
        #expect(result.correct == 1)
        #expect(gradient == [-0.75, 0.25, 0.25, 0.25])
        #expect(
            SoftmaxCrossEntropy.evaluate(logits: [1, 1, 1, 1], labels: [3], classCount: 4, gradient: nil).correct == 0)
    }

    @Test func `the loss is the mean over the batch`() {
        // softmax of (log 3, 0) is (3/4, 1/4).
        let logits: [Float] = [log(3), 0, log(3), 0]
        var gradient = [Float](repeating: 0, count: 4)
        let result = SoftmaxCrossEntropy.evaluate(logits: logits, labels: [0, 1], classCount: 2, gradient: &gradient)
        #expect(abs(result.loss - (log(4.0 / 3) + log(4)) / 2) < 1e-7)
        #expect(result.correct == 1)
        for (found, expected) in zip(gradient, [-0.125, 0.125, 0.375, -0.375]) {
            #expect(abs(Double(found) - expected) < 1e-7)
        }
    }

    @Test func `loss, right answers and gradient are PyTorch's`() throws {
        let fixtures = try FixtureFile.decode([Fixture].self, from: "CrossEntropy/cross_entropy.json")
        #expect(fixtures.count == 6)
        for fixture in fixtures {
            var gradient = [Float](repeating: 0, count: fixture.logits.count)
            let result = SoftmaxCrossEntropy.evaluate(
                logits: fixture.logits, labels: fixture.labels, classCount: fixture.classCount,
                smoothing: fixture.smoothing, gradient: &gradient)
            #expect(abs(result.loss - fixture.loss) <= 1e-7 * max(1, fixture.loss))
            #expect(result.correct == fixture.correct)
            for (found, expected) in zip(gradient, fixture.gradient) { #expect(abs(Double(found) - expected) < 1e-7) }
        }
    }

    @Test func `the gradient may lie where the logits lay, and the loss does not depend on it`() throws {
        for fixture in try FixtureFile.decode([Fixture].self, from: "CrossEntropy/cross_entropy.json") {
            let evaluate = { (logits: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Float>?) in
                SoftmaxCrossEntropy.evaluate(
                    logits: logits, labels: fixture.labels, classCount: fixture.classCount,
                    smoothing: fixture.smoothing, gradient: gradient)
            }
            var gradient = fixture.logits
            let apart = evaluate(fixture.logits, &gradient)
            var both = fixture.logits
            let inPlace = both.withUnsafeMutableBufferPointer { buffer in
                buffer.baseAddress.map { evaluate(UnsafePointer($0), $0) }
            }
            #expect(both == gradient)
            #expect(inPlace?.loss == apart.loss && inPlace?.correct == apart.correct)
            #expect(evaluate(fixture.logits, nil).loss == apart.loss)
        }
    }

    @Test func `huge logits neither overflow nor lose the gradient of a sure answer`() {
        var gradient = [Float](repeating: 0, count: 2)
        let wrong = SoftmaxCrossEntropy.evaluate(
            logits: [3e38, -3e38], labels: [1], classCount: 2, gradient: &gradient)
        #expect(wrong.loss.isFinite && wrong.loss > 5e38)
        #expect(gradient == [1, -1])
        let sure = SoftmaxCrossEntropy.evaluate(logits: [20, 0], labels: [0], classCount: 2, gradient: &gradient)
        #expect(abs(sure.loss / 2.0611536e-9 - 1) < 1e-6)
        #expect(abs(Double(gradient[0]) / -2.0611536e-9 - 1) < 1e-6)
    }

    @Test func `a logit that is not a number makes a loss that is none`() {
        for logits: [Float] in [[.nan, 0], [0, .nan], [.infinity, 0]] {
            #expect(
                !SoftmaxCrossEntropy.evaluate(logits: logits, labels: [0], classCount: 2, gradient: nil).loss.isFinite)
        }
    }
}
