import TestSupport
import Testing

@testable import Inference

@Suite("Linear layers, against the textbook loop")
struct LinearTests {
    @Test(
        "Every batch size gives what the loop gives",
        arguments: Array(1...13) + [15, 16, 17, 33], [[7, 5], [1, 1], [2050, 12], [30, 193]])
    func equalsLoop(_ batchSize: Int, _ features: [Int]) { compare(batchSize, features) }

    @Test(
        "Each instruction set gives what the loop gives", arguments: [1, 2, 3, 5, 7, 8, 9, 17, 33],
        InstructionSet.allCases)
    func equalsLoop(_ batchSize: Int, instructions: InstructionSet) {
        InstructionSet.limit(to: instructions)
        defer { InstructionSet.limit(to: .widest) }
        compare(batchSize, [2050, 30])
    }

    private func compare(_ batchSize: Int, _ features: [Int]) {
        var random = RandomValues(seed: UInt64(batchSize * 10 + features[0]))
        let layer = Linear(weight: random.tensor([features[1], features[0]]), bias: random.tensor([features[1]]))
        let input = random.tensor([batchSize, features[0]])
        let expected = layer(input)
        let workers = WorkerPool(threadCount: 3)
        for activation in [nil, Activation.relu] {
            let expected = activation == nil ? expected : ReLU()(expected)
            for operation in layer.operations(for: [[features[0]]], activation: activation, workers: workers) {
                let output = run(operation, on: input, outputShape: expected.shape, workers: workers)
                #expect(largestDifference(output, expected.scalars) < 2e-5, "\(operation.name)")
            }
        }
    }
}
