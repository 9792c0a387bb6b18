import Host
import Inference
import Testing
import Threads

@testable import Training

@Suite(.timeLimit(.minutes(2))) struct ExponentialMovingAverageTests {
    private let workers = WorkerPool(threadCount: 2)

    @Test func `it begins with the parameters, follows quickly at first, and slowly at last`() {
        let parameters = Parameters([("a.weight", [3]), ("b.weight", [3])])
        parameters.values[0] = 1
        let average = ExponentialMovingAverage(of: parameters, decay: 0.25)
        #expect(average.state.values[0] == 1)
        var expected: Float = 1
        for decay in [0.1, 2.0 / 11, 0.25, 0.25] {
            #expect(abs(average.decay - decay) < 1e-15)
            parameters.values[0] += 8
            parameters.values[16] += 8
            average.update(with: parameters, ranges: [0..<3], workers: workers)
            expected += (parameters.values[0] - expected) * Float(1 - decay)
            #expect(abs(average.state.values[0] - expected) <= 1e-6 * expected)
        }
        #expect(average.updateCount == 4)
        #expect(average.state.values[16] == 0)  // was not asked for
    }

    @Test(arguments: InstructionSet.allCases)
    func `every parameter is averaged, with each instruction set and across seams`(_ instructions: InstructionSet) {
        InstructionSet.limit(to: instructions)
        defer { InstructionSet.limit(to: .widest) }
        let count = ParameterBlocks.blockExtent + 133
        let parameters = Parameters([("a.weight", [count])])
        var sequence = OptimizerFixture.Sequence()
        let average = ExponentialMovingAverage(of: parameters, decay: 0.9)
        sequence.fillValues(parameters.values, count: count)
        average.update(with: parameters, ranges: [0..<count], workers: workers)
        #expect((0..<count).allSatisfy { average.state.values[$0] == parameters.values[$0] * Float(0.9) })
    }

    @Test func `an exchange twice leaves everything bit for bit`() {
        let count = OptimizerFixture.parameterCount
        let parameters = Parameters([("a.weight", [count])])
        let average = ExponentialMovingAverage(of: parameters, decay: 0.9)
        var sequence = OptimizerFixture.Sequence()
        sequence.fillValues(parameters.values)
        average.update(with: parameters, ranges: [0..<count], workers: workers)
        let (values, averages) = (Array(parameters.values), Array(average.state.values))
        average.exchange(with: parameters)
        #expect(Array(parameters.values) == averages && Array(average.state.values) == values)
        average.exchange(with: parameters)
        #expect(Array(parameters.values) == values && Array(average.state.values) == averages)
    }
}
