import Host
import ModelTestSupport
import TestSupport
import Testing
import Threads

@testable import Inference

@Suite("Convolution algorithms, against the textbook loop", .timeLimit(.minutes(3)))
struct ConvolutionTests {
    /// Channels in and out, height, width, kernel, stride, padding, groups, images.
    static let cases: [[Int]] = [
        [3, 4, 31, 29, 11, 4, 2, 1, 1],
        [3, 4, 31, 35, 11, 4, 0, 1, 3],
        [4, 6, 13, 13, 5, 1, 2, 2, 2],
        [8, 8, 13, 13, 3, 1, 1, 1, 1],
        [6, 9, 7, 5, 3, 1, 1, 3, 2],
        [5, 7, 9, 9, 1, 1, 0, 1, 2],
        [4, 4, 9, 9, 1, 2, 0, 2, 1],
        [1, 1, 1, 1, 1, 1, 0, 1, 1],
        [2, 3, 4, 6, 3, 1, 2, 1, 5],
        [64, 2, 40, 40, 5, 1, 2, 1, 1],
        [3, 30, 27, 27, 5, 1, 2, 1, 5],
        [4, 26, 60, 50, 3, 1, 1, 2, 2],
        [2, 5, 6, 6, 3, 1, 0, 1, 3],
        [2, 5, 9, 7, 5, 1, 4, 1, 2],
        [2, 13, 5, 5, 5, 1, 0, 1, 33],
        [3, 20, 31, 29, 7, 2, 3, 1, 2],
        [5, 18, 12, 11, 4, 1, 1, 1, 1],
    ]

    @Test(arguments: cases, [1, 2, 5])
    func `each algorithm equals the loop on random values`(_ geometry: [Int], threadCount: Int) {
        compare(geometry, threadCount: threadCount)
    }

    @Test(arguments: cases, InstructionSet.allCases)
    func `each instruction set gives what the loop gives`(_ geometry: [Int], instructions: InstructionSet) {
        InstructionSet.limit(to: instructions)
        defer { InstructionSet.limit(to: .widest) }
        compare(geometry, threadCount: 1)
    }

    private func compare(_ geometry: [Int], threadCount: Int) {
        var random = RandomValues(seed: UInt64(geometry.reduce(7) { $0 &* 31 &+ $1 }))
        let layer = Conv2d(
            weight: random.tensor([geometry[1], geometry[0] / geometry[7], geometry[4], geometry[4]]),
            bias: random.tensor([geometry[1]]), stride: Size2d(square: geometry[5]),
            padding: Size2d(square: geometry[6]), groups: geometry[7])
        let input = random.tensor([geometry[8], geometry[0], geometry[2], geometry[3]])
        let expected = layer(input)
        let workers = WorkerPool(threadCount: threadCount)
        for operation in layer.operations(
            for: [[geometry[0], geometry[2], geometry[3]]], activation: nil, workers: workers)
        {
            let output = run(operation, on: input, outputShape: expected.shape, workers: workers)
            // A sum of `depth` products of values up to 1 loses a few units in the last place of the largest partial sum.
            #expect(largestDifference(output, expected.scalars) < 2e-5, "\(operation.name)")
            for variant in operation.variants(batchSize: geometry[8]) {
                #expect(
                    run(variant, on: input, outputShape: expected.shape, workers: workers) == output,
                    "\(operation.name) in blocks of \(variant.setting)")
            }
        }
    }

    @Test func `block sizes that divide a batch alike are one variant`() {
        var random = RandomValues(seed: 2)
        let layer = Conv2d(weight: random.tensor([4, 4, 3, 3]), bias: random.tensor([4]), padding: 1)
        let operations = layer.operations(for: [[4, 10, 10]], activation: nil, workers: WorkerPool(threadCount: 1))
        // F(5×5) takes four tiles an image.
        let winograd = operations.first { $0.name == "winograd-5x5" }
        #expect(winograd?.setting == 72)
        #expect(winograd?.variants(batchSize: 9).map(\.setting) == [])
        #expect(winograd?.variants(batchSize: 10).map(\.setting) == [36])
        #expect(winograd?.variants(batchSize: 18).map(\.setting) == [36])
        #expect(winograd?.variants(batchSize: 19).map(\.setting) == [36, 144])
        let im2row = operations.first { $0.name == "im2row" }
        #expect(im2row?.variants(batchSize: 8).isEmpty == true, "all positions fit into one block")
    }

    @Test func `a block of positions is small enough for the cache, however deep the convolution`() throws {
        var random = RandomValues(seed: 1)
        let layer = Conv2d(weight: random.tensor([1, 300, 3, 3]), bias: random.tensor([1]), padding: 1)
        for operation in layer.operations(
            for: [[300, 200, 200]], activation: nil, workers: WorkerPool(threadCount: 1))
        {
            #expect(operation.scratchByteCount(batchSize: 1) <= 8 << 20)
        }
    }
}
