import TestSupport
import Testing

@testable import Inference

@Suite("Linear layers, against the textbook loop")
struct LinearTests {
    @Test(
        "Every batch size gives what the loop gives",
        arguments: [1, 3, 4, 15, 16, 17, 33], [[7, 5], [1, 1], [2050, 12], [30, 193]])
    func equalsLoop(_ batchSize: Int, _ features: [Int]) { compare(batchSize, features) }

    @Test("Each instruction set gives what the loop gives", arguments: [3, 17], InstructionSet.allCases)
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
        for operation in layer.operations(for: [[features[0]]], activation: nil, workers: workers) {
            let output = run(operation, on: input, outputShape: expected.shape, workers: workers)
            #expect(largestDifference(output, expected.scalars) < 2e-5, "\(operation.name)")
        }
    }
}
