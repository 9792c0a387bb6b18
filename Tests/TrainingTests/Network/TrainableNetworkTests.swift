import CKernels
import Foundation
import Inference
import Testing
import Threads

@testable import Training

/// Twenty steps of whole networks, as PyTorch takes them: see Fixtures/Steps/make_losses.py.
@Suite(.timeLimit(.minutes(5))) struct TrainableNetworkTests {
    /// Losses by form and optimiser.
    private static func losses() throws -> [String: [String: [Double]]] {
        try FixtureFile.decode([String: [String: [Double]]].self, from: "Steps/losses.json")
    }

    /// Number `index` of a stream, in -1 ... 1.
    private static func noise(_ index: Int, stream: Int) -> Float {
        func mix(_ value: UInt32) -> UInt32 {
            var value = value
            value ^= value >> 16
            value &*= 0x7FEB_352D
            value ^= value >> 15
            value &*= 0x846C_A68B
            return value ^ (value >> 16)
        }
        return Float(mix(mix(UInt32(index)) &+ UInt32(stream)) >> 8) / Float(1 << 23) - 1
    }

    /// A batch, channels innermost. Shape: `[N, H, W, C]`.
    private static func images(_ shape: Shape, count: Int, stream: Int) -> [Float] {
        let (channels, height, width) = (shape[0], shape[1], shape[2])
        var images = [Float](repeating: 0, count: count * shape.elementCount)
        for n in 0..<count {
            for c in 0..<channels {
                for pixel in 0..<height * width {
                    images[(n * height * width + pixel) * channels + c] = noise(
                        (n * channels + c) * height * width + pixel, stream: stream)
                }
            }
        }
        return images
    }

    @Test(
        arguments: ["alexnet_half_width", "alexnet", "alexnet_2012", "alexnet_one_channel"],
        [OptimizerSettings.Kind.adam, .momentum])
    func `twenty steps have the losses that PyTorch's have`(form: String, kind: OptimizerSettings.Kind) throws {
        let expected = try #require(try Self.losses()[form]?[kind.rawValue])
        let workers = WorkerPool(threadCount: 2)
        let initial = try InitialNetwork(architecture: form, classCount: 10)
        let learner = try TrainableNetwork(initial.network, maxBatchSize: 4, workers: workers)
        for (index, entry) in learner.parameters.entries.enumerated() {
            let fanIn = entry.shape.rank > 1 ? entry.shape.elementCount / entry.shape[0] : 0
            let scale = fanIn > 0 ? Float((3 / Double(fanIn)).squareRoot()) : 0.1
            for (number, place) in entry.range.enumerated() {
                learner.parameters.values[place] = Self.noise(number, stream: index + 1) * scale
            }
        }
        let optimizer = OptimizerSettings(kind).makeOptimizer(count: learner.parameters.count)
        let batches = (0..<3).map { Self.images(initial.network.inputShape, count: 4, stream: 1000 + $0) }
        for (step, loss) in expected.enumerated() {
            let labels = (0..<4).map { (step % 3 + 3 * $0) % 10 }
            let found = batches[step % 3].withUnsafeBufferPointer { images in
                images.baseAddress.map { learner.gradients(images: $0, labels: labels, seed: nil).loss } ?? .nan
            }
            #expect(abs(found - loss) <= 1e-4 * loss, "step \(step + 1): \(found), PyTorch \(loss)")
            optimizer.step(
                learner.parameters, ranges: learner.trainableRanges, learningRate: kind == .adam ? 2e-6 : 4e-5,
                workers: workers)
        }
    }
}

@Suite(.timeLimit(.minutes(2))) struct LayerSelectionTests {
    private let known = ["features.0", "features.3", "features.10", "featuresque", "classifier.6"]

    @Test func `a layer is meant by its name, and by that of the part that holds it`() throws {
        #expect(try LayerSelection.layers(["features.0"], of: known) == ["features.0"])
        #expect(try LayerSelection.layers(["features"], of: known) == ["features.0", "features.3", "features.10"])
        #expect(try LayerSelection.layers(["classifier", "features.3"], of: known) == ["classifier.6", "features.3"])
        #expect(try LayerSelection.layers([], of: known) == [])
    }

    @Test(arguments: ["features.1", "feature", "", "classifier.6.weight", "features."])
    func `what means no layer is named`(_ name: String) {
        #expect(throws: TrainingError.unknownLayers(names: [name], known: known)) {
            _ = try LayerSelection.layers([name, "features.0"], of: known)
        }
    }
}
