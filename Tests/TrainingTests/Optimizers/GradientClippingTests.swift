import Host
import Inference
import Testing
import Threads

@testable import Training

@Suite(.timeLimit(.minutes(2))) struct GradientClippingTests {
    private let workers = WorkerPool(threadCount: 2)

    @Test func `a gradient of 3 and 4 has norm 5, and is shortened to the limit`() {
        let parameters = Parameters([("a.weight", [1]), ("b.weight", [1]), ("c.weight", [1])])
        parameters.gradients[0] = 3
        parameters.gradients[16] = -4
        parameters.gradients[32] = 100
        let clipping = GradientClipping(maxNorm: 2.5)
        #expect(clipping.norm(parameters, ranges: [0..<1, 16..<17], workers: workers) == 5)
        // torch.nn.utils.clip_grad_norm_ multiplies by 2.5 / (5 + 1e-6).
        #expect(clipping.scale(norm: 5) == Float(2.5 / 5.000001))
        #expect(clipping.scale(norm: 2.4) == 1)
        #expect(clipping.scale(norm: 0) == 1)
        #expect(clipping.norm(parameters, ranges: [], workers: workers) == 0)
        #expect(GradientClipping(maxNorm: .infinity).scale(norm: 1e30) == 1)
    }

    @Test(arguments: InstructionSet.allCases)
    func `the norm is the same on any number of threads and with any instructions`(_ instructions: InstructionSet) {
        InstructionSet.limit(to: instructions)
        defer { InstructionSet.limit(to: .widest) }
        let count = 3 * ParameterBlocks.blockExtent + 41
        let parameters = Parameters([("a.weight", [count])])
        var sequence = OptimizerFixture.Sequence()
        sequence.fillGradients(parameters.gradients, count: count)
        let ranges = [0..<100, 117..<count]
        let norms = [1, 2, 3].map {
            GradientClipping(maxNorm: 1).norm(parameters, ranges: ranges, workers: WorkerPool(threadCount: $0))
        }
        #expect(norms[1] == norms[0] && norms[2] == norms[0])
        let exact = ranges.joined().reduce(0.0) {
            $0 + Double(parameters.gradients[$1]) * Double(parameters.gradients[$1])
        }
        #expect(abs(norms[0] / exact.squareRoot() - 1) < 1e-13)
        InstructionSet.limit(to: .portable)
        #expect(GradientClipping(maxNorm: 1).norm(parameters, ranges: ranges, workers: workers) == norms[0])
    }

    @Test func `a gradient that is no number shows wherever it stands, and huge ones do not look like it`() {
        let count = 131
        let parameters = Parameters([("a.weight", [count])])
        let clipping = GradientClipping(maxNorm: 1)
        for index in 0..<count {
            for value in [Float.nan, .infinity, -.infinity] {
                parameters.gradients[index] = value
                #expect(!clipping.norm(parameters, ranges: [0..<count], workers: workers).isFinite)
            }
            parameters.gradients[index] = 0
        }
        parameters.gradients.update(repeating: .greatestFiniteMagnitude)
        let norm = clipping.norm(parameters, ranges: [0..<count], workers: workers)
        #expect(norm.isFinite)
        #expect(clipping.scale(norm: norm) > 0)
    }
}
