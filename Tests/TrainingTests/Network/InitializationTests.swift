import Inference
import Testing
import Threads

@testable import Training

@Suite(.timeLimit(.minutes(2))) struct InitializationTests {
    /// The paper's geometry with fewer channels, in two groups from the second convolution on.
    private static let shapes: [(String, Shape)] = [
        ("features.0", [24, 3, 11, 11]), ("features.3", [32, 12, 5, 5]), ("features.6", [48, 32, 3, 3]),
        ("features.8", [48, 24, 3, 3]), ("features.10", [32, 24, 3, 3]), ("classifier.1", [300, 1152]),
        ("classifier.4", [200, 300]), ("classifier.6", [10, 200]),
    ]

    private func parameters() -> Parameters {
        var list: [(name: String, shape: Shape)] = []
        for (stem, shape) in Self.shapes { list += [(stem + ".weight", shape), (stem + ".bias", Shape([shape[0]]))] }
        return Parameters(list)
    }

    private let workers = WorkerPool(threadCount: 2)

    @Test func `fans are PyTorch's`() {
        // torch.nn.init._calculate_fan_in_and_fan_out of Conv2d(12, 32, 5), of Conv2d(24, 32, 5, groups=2), of
        // Linear(200, 10).
        #expect(Initialization.Fan([32, 12, 5, 5]).input == 300)
        #expect(Initialization.Fan([32, 12, 5, 5]).output == 800)
        #expect(Initialization.Fan([10, 200]).input == 200)
        #expect(Initialization.Fan([10, 200]).output == 10)
    }

    @Test func `PyTorch's weights and biases are uniform by the layer's fan-in`() throws {
        let parameters = parameters()
        Initialization.pytorch.fill(parameters, seed: 1, workers: workers)
        for (stem, shape) in Self.shapes {
            let bound = 1 / Double(shape.extents.dropFirst().reduce(1, *)).squareRoot()
            for name in [stem + ".weight", stem + ".bias"] {
                let values = parameters.tensor(try #require(parameters[name])).scalars.map(Double.init)
                #expect(values.allSatisfy { abs($0) <= bound * (1 + 1e-6) })
                check(values, deviation: bound / 3.0.squareRoot(), kurtosis: 1.8)
                // The range is filled: of n values the largest misses the bound by bound / n or so.
                let largest = values.reduce(0) { max($0, abs($1)) }
                #expect(largest > bound * (1 - 12 / Double(values.count)))
            }
        }
    }

    @Test func `the tutorial's convolutions are normal by fan-out, its linear weights N(0, 0.01), its biases zero`()
        throws
    {
        let parameters = parameters()
        Initialization.kaiming.fill(parameters, seed: 2, workers: workers)
        for (stem, shape) in Self.shapes {
            let weight = parameters.tensor(try #require(parameters[stem + ".weight"])).scalars.map(Double.init)
            let fanOut = shape[0] * shape.extents.dropFirst(2).reduce(1, *)
            check(weight, deviation: shape.rank == 4 ? (2 / Double(fanOut)).squareRoot() : 0.01, kurtosis: 3)
            #expect(parameters.tensor(try #require(parameters[stem + ".bias"])).scalars.allSatisfy { $0 == 0 })
        }
    }

    @Test func `the paper's biases are one in three convolutions and the hidden linear layers`() throws {
        let parameters = parameters()
        Initialization.paper.fill(parameters, seed: 3, workers: workers)
        let expected: [Float] = [0, 1, 0, 1, 1, 1, 1, 0]
        for ((stem, _), bias) in zip(Self.shapes, expected) {
            let weight = parameters.tensor(try #require(parameters[stem + ".weight"])).scalars.map(Double.init)
            check(weight, deviation: 0.01, kurtosis: 3)
            #expect(parameters.tensor(try #require(parameters[stem + ".bias"])).scalars.allSatisfy { $0 == bias })
        }
    }

    @Test(arguments: Initialization.allCases)
    func `a seed gives the same weights on any number of threads, another seed others`(_ way: Initialization) {
        let (one, other, third) = (parameters(), parameters(), parameters())
        way.fill(one, seed: 4, workers: WorkerPool(threadCount: 1))
        way.fill(other, seed: 4, workers: WorkerPool(threadCount: 3))
        way.fill(third, seed: 5, workers: workers)
        #expect(Array(one.values) == Array(other.values))
        #expect(zip(one.values, third.values).count { $0 != $1 } > one.count * 9 / 10)
    }

    @Test(arguments: Initialization.allCases)
    func `one layer begun anew begins as with all, and leaves the others and the gaps`(_ way: Initialization) throws {
        let (all, one) = (parameters(), parameters())
        way.fill(all, seed: 6, workers: workers)
        one.values.update(repeating: 7)
        way.fill(one, seed: 6, workers: workers) { $0.name.hasPrefix("classifier.4.") }
        for index in one.values.indices {
            let name = one.entries.first(where: { $0.range.contains(index) })?.name
            let isAnew = name?.hasPrefix("classifier.4.") == true
            if isAnew ? one.values[index] != all.values[index] : one.values[index] != 7 {
                Issue.record("\(name ?? "gap") at \(index) is \(one.values[index])")
                break
            }
        }
    }

    @Test func `a parameter does not repeat its neighbour's numbers, nor a block the block's before`() throws {
        let count = ParameterBlocks.blockExtent
        let parameters = Parameters([("a.weight", [2, count]), ("b.weight", [2, count])])
        Initialization.pytorch.fill(parameters, seed: 7, workers: workers)
        let starts = [0, count, 2 * count, 3 * count].map { Array(parameters.values[$0..<$0 + 8]) }
        #expect(Set(starts).count == 4)
    }

    @Test func `a normalisation begins as the identity`() {
        let parameters = Parameters([("bn.weight", [4]), ("bn.bias", [4])])
        for way in Initialization.allCases {
            way.fill(parameters, seed: 8, workers: workers)
            #expect(Array(parameters.values) == [1, 1, 1, 1] + [Float](repeating: 0, count: 28))
        }
    }

    /// Mean, deviation and kurtosis within five standard errors; few values say nothing about the last two.
    private func check(
        _ values: [Double], deviation: Double, kurtosis: Double, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let count = Double(values.count)
        let mean = values.reduce(0, +) / count
        #expect(abs(mean) < 5 * deviation / count.squareRoot(), sourceLocation: sourceLocation)
        guard count > 2000 else { return }
        let second = values.reduce(0) { $0 + $1 * $1 } / count
        let fourth = values.reduce(0) { $0 + $1 * $1 * $1 * $1 } / count
        #expect(
            abs(second / (deviation * deviation) - 1) < 5 * ((kurtosis - 1) / count).squareRoot(),
            sourceLocation: sourceLocation)
        #expect(abs(fourth / (second * second) - kurtosis) < 50 / count.squareRoot(), sourceLocation: sourceLocation)
    }
}
