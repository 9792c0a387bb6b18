import Files
import Foundation
import ModelTestSupport
import TestSupport
import Testing
import Threads

@testable import Inference

@Suite("The precision of a model", .timeLimit(.minutes(2)))
struct PrecisionTests {
    private let workers = WorkerPool(threadCount: 2)

    private func linearOperations(_ model: Model) -> [String] {
        model.profile(batchSize: 1).steps.filter { $0.node.hasPrefix("classifier") }.map(\.algorithm)
    }

    @Test func `a flag overrules model.json, which overrules the configuration`() throws {
        let tiny = try TinyModel()
        let files = try ModelFiles(folder: tiny.folder.path)
        func load(_ configured: Precision, _ flag: Precision? = nil) throws -> Precision {
            try ModelLoader(workers: workers, defaultPrecision: configured, precision: flag).load(files).precision
        }
        #expect(try ModelLoader(workers: workers).load(files).precision == .float32)
        #expect(try load(.float16) == .float16)
        try tiny.write("model.json", #"{"precision": "int8-weights"}"#)
        #expect(try load(.float16) == .int8Weights)
        #expect(try load(.float16, .float32) == .float32)
    }

    @Test func `it is that of the linear layers; with int8 the last one keeps float16`() throws {
        let tiny = try TinyModel()
        let expected: [Precision: [String]] = [
            // The last layer has eight inputs only: a small weight has no others beside it in its sixteenth.
            .float32: ["int24", "int24", "float32"], .float16: ["float16", "float16", "float16"],
            .int8Weights: ["int8", "int8", "float16"],
        ]
        for (precision, names) in expected {
            let model = try ModelLoader(workers: workers, precision: precision)
                .load(ModelFiles(folder: tiny.folder.path))
            #expect(linearOperations(model) == names)
        }
    }

    @Test(arguments: [1, 2, 13])
    func `every precision gives nearly the same logits`(_ batchSize: Int) throws {
        let tiny = try TinyModel()
        let files = try ModelFiles(folder: tiny.folder.path)
        let exact = try ModelLoader(workers: workers).load(files)
        var random = RandomValues(seed: 5)
        let images = (0..<batchSize).map { _ in random.tensor(exact.network.inputShape).channelsLast }
        let expected = exact.logits(images).flatMap(\.self)
        for (precision, tolerance) in [(Precision.float16, Float(1e-3)), (.int8Weights, 2e-2)] {
            let model = try ModelLoader(workers: workers, precision: precision).load(files)
            let logits = model.logits(images).flatMap(\.self)
            #expect(largestDifference(logits, expected) < tolerance, "\(precision)")
            #expect(logits != expected)
            #expect(model.network.parameterCount == exact.network.parameterCount)
            #expect(model.version == exact.version)
        }
    }

    @Test func `packed weights let the checkpoint's memory go`() throws {
        // Spaces behind the header, so that float32 lies where it can be viewed.
        var bytes = TinyModel.checkpoint(classCount: 3, seed: 1)
        let headerCount = bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
        let padding = 8 - headerCount % 8
        bytes.insert(contentsOf: [UInt8](repeating: UInt8(ascii: " "), count: Int(padding)), at: 8 + Int(headerCount))
        withUnsafeBytes(of: headerCount + padding) { bytes.replaceSubrange(..<8, with: $0) }
        for precision in Precision.allCases {
            weak var file: AlignedBuffer?
            let network = try {
                let buffer = AlignedBuffer(byteCount: bytes.count)
                buffer.bytes.copyBytes(from: bytes)
                file = buffer
                let parameters = try ParameterSet(
                    Checkpoint(buffer, name: "tiny"), packing: WeightPacking(precision, workers: workers))
                return try AlexNet.network(.torchvision, parameters)
            }()
            withExtendedLifetime(network) { #expect(file == nil, "\(precision)") }
        }
    }

    @Test func `Float32 takes the fewest bytes that lose nothing that counts`() {
        var random = RandomValues(seed: 2)
        let packing = WeightPacking(.float32, workers: workers)
        func element(_ weight: Tensor) -> PackedWeights.Element { packing.pack(weight, isOutput: false).element }
        let plain = random.tensor([70, 100])
        #expect(element(plain) == .int24)
        // As read from a checkpoint that was saved in float16.
        let halves = Tensor(plain.shape, scalars: plain.scalars.map { Float(Float16($0)) })
        #expect(element(halves) == .float16)
        #expect(packing.pack(halves, isOutput: false).unpacked().scalars == halves.scalars)
        // One weight of one output a thousand times the others: they would keep thirteen bits.
        var scalars = plain.scalars
        scalars[6900] = 1000
        let uneven = Tensor(plain.shape, scalars: scalars)
        #expect(element(uneven) == .float32)
        #expect(packing.pack(uneven, isOutput: false).unpacked().scalars == scalars)
    }

    @Test(arguments: Precision.allCases)
    func `weights that are not finite are refused by name, and those that overflow too`(_ precision: Precision) throws {
        let tiny = try TinyModel()
        let loader = ModelLoader(workers: workers, precision: precision)
        func load(replacing range: Range<Int>, with value: Float) throws -> Model {
            var file = TinyModel.checkpoint(classCount: 3, seed: 1)
            // The last two tensors are classifier.6.weight, 24 values, and its bias.
            for index in range {
                let start = file.count - 108 + 4 * index
                withUnsafeBytes(of: value) { file.replaceSubrange(start..<start + 4, with: $0) }
            }
            try Data(file).write(to: tiny.folder.appendingPathComponent("model.safetensors"))
            return try loader.load(ModelFiles(folder: tiny.folder.path))
        }
        for value in [Float.nan, .infinity, -.infinity] {
            #expect(
                throws: ModelError.checkpoint(
                    file: tiny.path("model.safetensors"),
                    .nonFinite(name: "classifier.6.weight", index: 5, value: "\(value)"))
            ) { try load(replacing: 5..<6, with: value) }
        }
        // Beyond float16's 65504, but not beyond what its scale makes of it.
        let large = try load(replacing: 0..<24, with: 1e6)
        var random = RandomValues(seed: 3)
        let image = random.tensor(large.network.inputShape).channelsLast
        let expected = try ModelLoader(workers: workers).load(ModelFiles(folder: tiny.folder.path)).logits([image])[0]
        #expect(largestDifference(large.logits([image])[0], expected) < 2e-2)
        #expect(throws: ModelError.nonFiniteOutput) { try load(replacing: 0..<27, with: 3e38) }
    }
}
