import Files
import Foundation
import Host
import ModelTestSupport
import TestSupport
import Testing
import Threads

@testable import Inference

@Suite("Quantized model folders", .timeLimit(.minutes(2)))
struct QuantizedFolderTests {
    private let workers = WorkerPool(threadCount: 2)
    private let tiny: TinyModel
    private let folder: TemporaryFolder

    init() throws {
        tiny = try TinyModel()
        folder = try TemporaryFolder()
        try tiny.write(
            "model.json",
            #"{"architecture": "alexnet", "preprocessing": "imagenet", "precision": "float16", "tensors": {"input": "x"}}"#
        )
    }

    private func images(_ model: Model, _ count: Int) -> [Tensor] {
        var random = RandomValues(seed: 3)
        return (0..<count).map { _ in random.tensor(model.network.inputShape).channelsLast }
    }

    /// The tiny model, quantized and written.
    private func quantized() throws -> (original: Model, network: Network, written: Model) {
        let loader = ModelLoader(workers: workers, precision: .float32)
        let files = try ModelFiles(folder: tiny.folder.path)
        let original = try loader.load(files)
        var calibration = Calibration(original.network, workers: workers)
        for image in images(original, 16) { calibration.observe(image) }
        let network = calibration.quantized()
        try QuantizedFolder(files, of: original, loader: loader)
            .write(network, to: folder.path(""), record: ["quantization": "int8"])
        return (original, network, try ModelLoader(workers: workers).load(try ModelFiles(folder: folder.path(""))))
    }

    @Test func `a written folder computes what was calibrated, and says that it is int8`() throws {
        let (original, network, written) = try quantized()
        #expect(!original.isQuantized)
        #expect(written.isQuantized)
        #expect(written.precisionName == "int8")
        #expect(written.classes.names == original.classes.names)
        #expect(written.tensorNames.input == "x")
        #expect(written.network.parameterCount == original.network.parameterCount)
        let names = written.profile(batchSize: 1).steps.map(\.algorithm)
        #expect(names.count { $0 == "int8" } == 8)
        let images = images(original, 5)
        let expected = Engine(network: network, workers: workers)(images)
        // A scale may differ in its last bit: it is derived from the stored weights once more.
        #expect(largestDifference(written.logits(images).flatMap(\.self), expected.flatMap(\.self)) < 1e-5)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: folder.path("model.safetensors")))
        let before = try Data(contentsOf: URL(fileURLWithPath: tiny.path("model.safetensors")))
        #expect(bytes.count < before.count / 2)
    }

    @Test func `what was recorded is in the checkpoint, whose weights are within half a step`() throws {
        _ = try quantized()
        let checkpoint = try Checkpoint(contentsOf: folder.path("model.safetensors"))
        #expect(checkpoint.metadata == ["quantization": "int8"])
        #expect(checkpoint.quantizations.count == 8)
        let original = try Checkpoint(contentsOf: tiny.path("model.safetensors"))
        #expect(Set(checkpoint.tensors.names) == Set(original.tensors.names))
        for (name, stored) in original.tensors {
            let (expected, found) = (stored.tensor().scalars, try #require(checkpoint.tensors[name]).tensor().scalars)
            let step = name.hasSuffix(".weight") ? (expected.map(abs).max() ?? 0) / 127 : 0
            #expect(largestDifference(found, expected) <= step * 0.5001, "\(name)")
        }
    }

    @Test func `a loaded folder gives the same bits on all instruction sets`() throws {
        defer { InstructionSet.limit(to: .widest) }
        let (original, _, written) = try quantized()
        let images = images(original, 7)
        var answers: [[[Float]]] = []
        for instructions in InstructionSet.allCases {
            InstructionSet.limit(to: instructions)
            answers.append(written.logits(images))
            let loaded = try ModelLoader(workers: workers).load(try ModelFiles(folder: folder.path("")))
            answers.append(loaded.logits(images))
        }
        #expect(answers.allSatisfy { $0 == answers[0] })
    }
}

@Suite("Quantized tensors of safetensors files", .timeLimit(.minutes(1)))
struct QuantizedTensorsTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private static func float32(_ name: String, _ values: [Float]) -> SafetensorsWriter.Entry {
        SafetensorsWriter.Entry(
            WritableTensor(name: name, tensor: Tensor([values.count], scalars: values), scalarType: .float32))
    }

    /// A linear layer with two outputs, one of whose tensors may be another.
    private func checkpoint(
        inputs: Int = 2, scales: [Float] = [0.5, 2], inputScale: [Float] = [0.25], zeroPoint: [UInt8] = [7],
        addend: (scale: [Float], zeroPoint: [UInt8])? = nil, leavingOut left: String? = nil
    ) throws -> Checkpoint {
        var weight = [UInt8](repeating: 0, count: 2 * inputs)
        weight[0] = UInt8(bitPattern: -127)
        weight[2 * inputs - 1] = 100
        var entries: [SafetensorsWriter.Entry] = [
            .init(name: "fc.weight", isSigned: true, shape: [2, inputs], bytes: weight),
            Self.float32("fc.weight_scale", scales), Self.float32("fc.input_scale", inputScale),
            .init(name: "fc.input_zero_point", isSigned: false, shape: [zeroPoint.count], bytes: zeroPoint),
            Self.float32("fc.bias", [1, 2]),
        ]
        if let addend {
            entries.append(Self.float32("fc.addend_scale", addend.scale))
            entries.append(
                .init(
                    name: "fc.addend_zero_point", isSigned: false, shape: [addend.zeroPoint.count],
                    bytes: addend.zeroPoint))
        }
        let file = try AtomicFile(folder.path("c.safetensors"))
        try SafetensorsWriter.write(entries.filter { $0.name != left }, metadata: [:], to: file)
        try file.commit()
        return try Checkpoint(contentsOf: folder.path("c.safetensors"))
    }

    private func error(_ make: () throws -> Checkpoint) -> CheckpointError? {
        do {
            _ = try make()
            return nil
        } catch {
            return error as? CheckpointError
        }
    }

    @Test func `weights are bytes times the scale of their output`() throws {
        let checkpoint = try checkpoint()
        #expect(checkpoint.tensors["fc.weight"]?.tensor().scalars == [-63.5, 0, 0, 200])
        #expect(checkpoint.tensors.names.sorted() == ["fc.bias", "fc.weight"])
        let input = try #require(InputQuantization(scale: 0.25, zeroPoint: 7))
        #expect(checkpoint.quantizations == ["fc": LayerQuantization(input: input)])
    }

    @Test func `what is added may be quantized as well, by both of its parts`() throws {
        let found = try self.checkpoint(addend: ([0.5], [200])).quantizations["fc"]?.addend
        #expect(found == InputQuantization(scale: 0.5, zeroPoint: 200))
        #expect(
            error { try self.checkpoint(addend: ([0.5], [200]), leavingOut: "fc.addend_scale") }
                == .missingTensor(name: "fc.addend_scale", expected: [1]))
        #expect(
            error { try self.checkpoint(addend: ([0.5], [200]), leavingOut: "fc.addend_zero_point") }
                == .missingTensor(name: "fc.addend_zero_point", expected: [1]))
        #expect(
            error { try self.checkpoint(addend: ([0.5, 1], [200])) }
                == .shapeMismatch(name: "fc.addend_scale", found: [2], expected: [1]))
        #expect(
            error { try self.checkpoint(addend: ([0], [200])) }
                == .invalidLayout(
                    name: "fc.addend_scale", found: "the scale 0.0", expected: "a positive number"))
    }

    @Test func `a missing part is named`() {
        #expect(
            error { try checkpoint(leavingOut: "fc.input_scale") }
                == .missingTensor(name: "fc.input_scale", expected: [1]))
        #expect(
            error { try checkpoint(leavingOut: "fc.input_zero_point") }
                == .missingTensor(name: "fc.input_zero_point", expected: [1]))
    }

    @Test func `bytes without scales are those of another program`() throws {
        let checkpoint = try checkpoint(leavingOut: "fc.weight_scale")
        #expect(checkpoint.tensors["fc.weight"] == nil)
        #expect(checkpoint.skipped.contains { $0.name == "fc.weight" && $0.scalarName == "I8" })
        #expect(throws: CheckpointError.self) { try ParameterSet(checkpoint) }
    }

    @Test func `parts of other shapes are refused`() {
        #expect(
            error { try checkpoint(scales: [1, 2, 3]) }
                == .shapeMismatch(name: "fc.weight_scale", found: [3], expected: [2]))
        #expect(
            error { try checkpoint(inputScale: [1, 2]) }
                == .shapeMismatch(name: "fc.input_scale", found: [2], expected: [1]))
        #expect(
            error { try checkpoint(zeroPoint: [1, 2]) }
                == .shapeMismatch(name: "fc.input_zero_point", found: [2], expected: [1]))
        #expect(error { try checkpoint(zeroPoint: []) } != nil)
    }

    @Test(arguments: [0, -1, .nan, .infinity, 0x1p-130, 0x1p127] as [Float])
    func `an impossible scale of the input is refused`(_ scale: Float) {
        let isRefused =
            if case .invalidLayout(name: "fc.input_scale", _, expected: "a positive number") =
                error({ try checkpoint(inputScale: [scale]) })
            { true } else { false }
        #expect(isRefused)
    }

    @Test(arguments: [.nan, .infinity, -.infinity, 0x1p127] as [Float])
    func `weights that are not finite are refused`(_ scale: Float) {
        let isRefused =
            if case .nonFinite(name: "fc.weight", _, _) = error({ try checkpoint(scales: [1, scale]) }) { true } else {
                false
            }
        #expect(isRefused)
    }

    @Test func `a layer whose sums could overflow is refused`() throws {
        let most = ByteMatrix.maxDepth
        let layer = try #require(try ParameterSet(checkpoint(inputs: most))["fc"])
        #expect(try layer.linear(inputFeatures: most, isOutput: true).inputQuantization?.zeroPoint == 7)
        let longer = try #require(try ParameterSet(checkpoint(inputs: most + 1))["fc"])
        #expect(
            throws: CheckpointError.limitExceeded(
                what: "products in a sum of the quantized layer fc", found: most + 1, limit: most)
        ) { try longer.linear(inputFeatures: most + 1, isOutput: true) }
    }
}
