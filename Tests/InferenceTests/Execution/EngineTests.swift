import ModelTestSupport
import Synchronization
import TestSupport
import Testing
import Threads

@testable import Inference

@Suite("The engine, against the textbook loops", .timeLimit(.minutes(3)))
struct EngineTests {
    /// A small network with everything that the planner treats specially: fused and unfused ReLUs, a view, a
    /// normalisation, pools.
    private static func network() throws -> Network {
        var random = RandomValues(seed: 11)
        return try Network(
            inputShape: [3, 19, 17],
            chain: [
                (
                    "first",
                    Conv2d(weight: random.tensor([8, 3, 5, 5]), bias: random.tensor([8]), stride: 2, padding: 2)
                ),
                ("relu", ReLU()),
                ("norm", LocalResponseNorm(alpha: 0.1)),
                ("pool", MaxPool2d(kernelSize: 3, stride: 2)),
                ("unfused", ReLU()),
                (
                    "second",
                    Conv2d(weight: random.tensor([6, 4, 3, 3]), bias: random.tensor([6]), padding: 1, groups: 2)
                ),
                ("average", AdaptiveAvgPool2d(outputSize: 2)),
                ("flatten", Flatten()),
                ("linear", Linear(weight: random.tensor([300, 24]), bias: random.tensor([300]))),
                ("relu2", ReLU()),
                ("output", Linear(weight: random.tensor([5, 300]), bias: random.tensor([5]))),
            ])
    }

    private static func images(_ count: Int) -> [Tensor] {
        var random = RandomValues(seed: 5)
        return (0..<count).map { _ in random.tensor([3, 19, 17]) }
    }

    private static func expected(_ network: Network, _ images: [Tensor]) -> [[Float]] {
        images.map { network($0.reshaped(to: [1, 3, 19, 17])).scalars }
    }

    @Test(arguments: [1, 2, 7, 8, 9, 21], [1, 2, 4])
    func `every batch size gives the same answers`(batchSize: Int, threadCount: Int) throws {
        let network = try Self.network()
        let engine = Engine(network: network, workers: WorkerPool(threadCount: threadCount))
        let images = Self.images(batchSize)
        for (output, expected) in zip(engine(images.map(\.channelsLast)), Self.expected(network, images)) {
            #expect(largestDifference(output, expected) < 1e-4)
        }
    }

    @Test func `batches of many sizes at once, from many threads, do not disturb one another`() throws {
        let network = try Self.network()
        let workers = WorkerPool(threadCount: 3)
        let engine = Engine(network: network, workers: workers)
        let images = Self.images(6)
        let expected = Self.expected(network, images)
        let worst = Mutex<Float>(0)
        workers.parallelFor(60) { index, _ in
            let count = index % 6 + 1
            for (output, expected) in zip(engine(images[..<count].map(\.channelsLast)), expected) {
                worst.withLock { $0 = max($0, largestDifference(output, expected)) }
            }
        }
        #expect(worst.withLock { $0 } < 1e-4)
    }

    @Test(arguments: [1, 8, 19])
    func `a network without linear layers runs in small batches too`(batchSize: Int) throws {
        var random = RandomValues(seed: 3)
        let network = try Network(
            inputShape: [3, 19, 17],
            chain: [
                ("convolution", Conv2d(weight: random.tensor([2, 3, 3, 3]), bias: random.tensor([2]))),
                ("average", AdaptiveAvgPool2d(outputSize: 1)), ("flatten", Flatten()),
            ])
        let images = Self.images(batchSize)
        let outputs = Engine(network: network, workers: WorkerPool(threadCount: 2))(images.map(\.channelsLast))
        #expect(outputs.count == batchSize)
        for (output, expected) in zip(outputs, Self.expected(network, images)) {
            #expect(largestDifference(output, expected) < 1e-4)
        }
    }

    @Test func `a profile has every step once, with all of its runs`() throws {
        let network = try Self.network()
        let profile = Engine(network: network, workers: WorkerPool(threadCount: 2)).profile(batchSize: 20)
        #expect(
            profile.steps.map(\.node)
                == ["first", "norm", "pool", "unfused", "second", "average", "flatten", "linear", "output"])
        #expect(profile.steps.allSatisfy { $0.duration > .zero })
        #expect(profile.steps[8].multiplyAddCount == 20 * 5 * 300)
    }

    @Test func `an empty batch has no answers`() throws {
        let engine = Engine(network: try Self.network(), workers: WorkerPool(threadCount: 1))
        #expect(engine([]).isEmpty)
    }

    @Test func `a ReLU is fused where it can be`() throws {
        let network = try Self.network()
        let plan = Planner(
            network: network, workers: WorkerPool(threadCount: 1), selector: AlgorithmSelector(), batchLimit: 8
        ).plan(
            batchSize: 2, threadCount: 2)
        #expect(
            plan.steps.map(\.node)
                == ["first", "norm", "pool", "unfused", "second", "average", "flatten", "linear", "output"])
    }

    @Test func `an algorithm can be demanded by the node's name; an unknown one is ignored`() throws {
        let network = try Self.network()
        func algorithms(_ overrides: [String: String]) -> [String] {
            Planner(
                network: network, workers: WorkerPool(threadCount: 1),
                selector: AlgorithmSelector(overrides: overrides),
                batchLimit: 8
            )
            .plan(batchSize: 1, threadCount: 1).steps.map(\.operation.name)
        }
        #expect(algorithms([:])[0] == "im2row")
        #expect(algorithms(["first": "winograd-4x4"])[0] == "winograd-4x4")
        #expect(algorithms(["first": "abacus"])[0] == "im2row")
    }

    @Test func `a value that two layers read outlives the first of them, and its ReLU is not fused`() throws {
        struct Difference: Layer {
            func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape { inputs[0] }
            func callAsFunction(_ inputs: [Tensor]) -> Tensor {
                Tensor(inputs[0].shape, scalars: zip(inputs[0].scalars, inputs[1].scalars).map { $0 - $1 })
            }
            func algorithms(for inputs: [Shape], activation: Activation?) -> [Algorithm] {
                [Algorithm(DifferenceOperation(count: inputs[0].elementCount))]
            }
        }
        struct DifferenceOperation: Operation {
            let name = "difference"
            let count: Int
            func run(_ run: OperationRun) {
                for index in 0..<count * run.batchSize { run.output[index] = run.input(0)[index] - run.input(1)[index] }
            }
        }
        var random = RandomValues(seed: 9)
        let linear = Linear(weight: random.tensor([40, 30]), bias: random.tensor([40]))
        let network = try Network(
            inputShape: [30],
            nodes: [
                .init(name: "linear", layer: linear, inputs: [Network.input]),
                .init(name: "relu", layer: ReLU(), inputs: [0]),
                .init(name: "difference", layer: Difference(), inputs: [1, 0]),
            ])
        let input = random.tensor([30])
        let output = Engine(network: network, workers: WorkerPool(threadCount: 2))([input])[0]
        #expect(largestDifference(output, network(input.reshaped(to: [1, 30])).scalars) < 1e-5)
        #expect(output.contains { $0 > 0.1 })
    }
}
