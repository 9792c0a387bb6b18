import Files
import Foundation
import Testing
import Threads

@testable import Inference

@Suite("Parameters by layer", .timeLimit(.minutes(2)))
struct ParameterSetTests {
    /// A safetensors file of zeros.
    private func checkpoint(_ tensors: [(name: String, shape: [Int])]) throws -> Checkpoint {
        var header: [String] = []
        var offset = 0
        for (name, shape) in tensors {
            let end = offset + shape.reduce(4, *)
            header.append(#""\#(name)":{"dtype":"F32","shape":\#(shape),"data_offsets":[\#(offset),\#(end)]}"#)
            offset = end
        }
        let text = Array("{\(header.joined(separator: ","))}".utf8)
        let bytes =
            withUnsafeBytes(of: UInt64(text.count).littleEndian, Array.init) + text
            + [UInt8](repeating: 0, count: offset)
        let buffer = AlignedBuffer(byteCount: bytes.count)
        buffer.bytes.copyBytes(from: bytes)
        return try Checkpoint(buffer, name: "test")
    }

    @Test func `numbers in names are ordered by their value`() throws {
        let names = ["features.10", "features.3", "classifier.1", "features.0", "fc10", "fc9", "conv"]
        let parameters = try ParameterSet(
            checkpoint(names.flatMap { [($0 + ".weight", [1, 1]), ($0 + ".bias", [1])] }))
        #expect(
            parameters.layers.map(\.name)
                == ["classifier.1", "conv", "fc9", "fc10", "features.0", "features.3", "features.10"])
    }

    @Test func `a component of a name that ends comes before one that goes on`() throws {
        let names = ["fc1.1", "fc.1", "fc2.0", "fc_out.0"]
        let parameters = try ParameterSet(checkpoint(names.map { ($0 + ".weight", [1, 1]) }))
        #expect(parameters.layers.map(\.name) == ["fc.1", "fc1.1", "fc2.0", "fc_out.0"])
    }

    @Test func `a weight alone is a layer; a bias without its weight, and what is neither are named`() throws {
        let lone = try ParameterSet(checkpoint([("a.weight", [2, 3]), ("slope.weight", [1])]))
        #expect(lone.layers.map(\.name) == ["a", "slope"])
        #expect(throws: CheckpointError.missingTensor(name: "a.bias", expected: [2])) {
            try lone.layers[0].linear(inputFeatures: 3, isOutput: false)
        }
        #expect(throws: CheckpointError.missingTensor(name: "a.weight", expected: [2])) {
            try ParameterSet(checkpoint([("a.bias", [2])]))
        }
        #expect(throws: CheckpointError.unexpectedTensor(name: "a.running_mean", shape: [2])) {
            try ParameterSet(checkpoint([("a.running_mean", [2])]))
        }
        #expect(throws: CheckpointError.shapeMismatch(name: "a.bias", found: [3], expected: [2])) {
            try ParameterSet(checkpoint([("a.weight", [2, 3]), ("a.bias", [3])]))
        }
    }

    @Test
    func `a convolution may lack its bias, and a normalisation has statistics; how long it learned does not count`()
        throws
    {
        let parameters = try ParameterSet(
            checkpoint([
                ("conv.weight", [2, 1, 3, 3]), ("bn.weight", [2]), ("bn.bias", [2]), ("bn.running_mean", [2]),
                ("bn.running_var", [2]), ("bn.num_batches_tracked", []),
            ]))
        #expect(parameters.layers.map(\.name) == ["bn", "conv"])
        #expect(parameters.convolutions.map(\.name) == ["conv"])
        #expect(parameters.normalizations.map(\.name) == ["bn"])
        #expect(parameters["conv"]?.bias == nil)
        #expect(
            parameters.shapes.map(\.name)
                == ["bn.weight", "bn.bias", "bn.running_mean", "bn.running_var", "conv.weight"])
    }

    @Test(arguments: ["weight", "bias", "running_mean", "running_var"])
    func `a normalisation without one of its parts, or with parts of other lengths, is refused by name`(_ part: String)
        throws
    {
        let names = ["weight", "bias", "running_mean", "running_var"].map { "bn." + $0 }
        #expect(throws: CheckpointError.missingTensor(name: "bn." + part, expected: [2])) {
            try ParameterSet(checkpoint(names.filter { $0 != "bn." + part }.map { ($0, [2]) }))
        }
        let other = part == "weight" ? "bn.bias" : "bn." + part
        #expect(
            throws: part == "weight"
                ? CheckpointError.shapeMismatch(name: other, found: [2], expected: [3])
                : CheckpointError.shapeMismatch(name: other, found: [3], expected: [2])
        ) {
            try ParameterSet(checkpoint(names.map { ($0, $0 == "bn." + part ? [3] : [2]) }))
        }
    }

    @Test(
        arguments: [
            (["model.conv1", "model.fc"], "model.", ["conv1", "fc"]),
            (["a.b.0", "a.b.3"], "a.b.", ["0", "3"]),
            (["net.0", "classifier.1"], "", ["classifier.1", "net.0"]),
            (["fc"], "", ["fc"]), (["model.fc"], "model.", ["fc"]), (["fc", "fc.1"], "", ["fc", "fc.1"]),
            (["model.fc", "model.fc.1"], "model.", ["fc", "fc.1"]),
            (["model1.a", "model.b"], "", ["model.b", "model1.a"]),
        ] as [([String], String, [String])])
    func `a prefix that all layers share is a wrapper's, however deep; one that only some share is not`(
        _ names: [String], _ wrapper: String, _ expected: [String]
    ) throws {
        let parameters = try ParameterSet(checkpoint(names.map { ($0 + ".weight", [1, 1]) }))
        #expect(parameters.wrapper == wrapper)
        #expect(parameters.layers.map(\.name) == expected)
        for name in expected { #expect(parameters[name]?.name == name) }
    }

    @Test func `what losses, metrics and counters hold is left out, before the wrapper is looked for`() throws {
        let companions = [
            "criterion.weight", "loss_fn.pos_weight", "model.criterion.weight", "center_loss.centers", "class_weights",
            "val_acc.total", "train_f1_macro.tp", "test_metrics.x.y", "model.conv.total_ops", "total_params",
        ]
        let parameters = try ParameterSet(
            checkpoint([("model.conv.weight", [1, 1, 3, 3])] + companions.map { ($0, [2]) }))
        #expect(parameters.layers.map(\.name) == ["conv"])
        #expect(Set(parameters.leftOut) == Set(companions))
        // Not everything with such letters in it is one.
        for name in ["lossy.weight", "accuracy.weight", "features.class_weights", "test.weight", "glosser.0.weight"] {
            #expect(!TrainingTensor.hasName(name), "\(name)")
        }
    }

    @Test func `statistics beside a convolution's weight are refused`() {
        #expect(throws: CheckpointError.shapeMismatch(name: "a.weight", found: [2, 1, 3, 3], expected: [2])) {
            try ParameterSet(
                checkpoint([
                    ("a.weight", [2, 1, 3, 3]), ("a.bias", [2]), ("a.running_mean", [2]), ("a.running_var", [2]),
                ]))
        }
    }

    @Test func `a weight without a number in it is refused, whatever extents it claims`() {
        for shape in [[1 << 58, 0, 3, 3], [0, 3, 3, 3], [0]] {
            #expect(throws: CheckpointError.unexpectedTensor(name: "a.weight", shape: Shape(shape))) {
                try ParameterSet(checkpoint([("a.weight", shape)]))
            }
        }
    }

    @Test func `shapes that contradict one another are refused, absurd ones included`() throws {
        func network(_ change: (inout [(name: String, shape: [Int])]) -> Void) throws -> Network {
            var tensors: [(name: String, shape: [Int])] = []
            for (name, shape) in [
                ("features.0", [4, 3, 11, 11]), ("features.3", [6, 4, 5, 5]), ("features.6", [8, 6, 3, 3]),
                ("features.8", [6, 8, 3, 3]), ("features.10", [2, 6, 3, 3]), ("classifier.1", [8, 72]),
                ("classifier.4", [8, 8]), ("classifier.6", [3, 8]),
            ] {
                tensors += [(name + ".weight", shape), (name + ".bias", [shape[0]])]
            }
            change(&tensors)
            let parameters = try ParameterSet(checkpoint(tensors))
            guard let form = AlexNet.form(of: parameters) else {
                throw CheckpointError.unknownArchitecture(found: [])
            }
            return try AlexNet.network(form, parameters)
        }
        #expect(try network { _ in }.outputShape == [3])
        // The first convolution's input channels, each layer's inputs, and extents of zero.
        let changes: [(index: Int, shape: [Int])] = [
            (0, [4, 0, 11, 11]), (2, [6, 0, 5, 5]), (2, [6, 3, 5, 5]), (2, [6, 5, 5, 5]), (10, [8, 71]), (12, [8, 9]),
            (14, [3, 0]),
        ]
        for change in changes {
            #expect(throws: CheckpointError.self, "\(change)") { try network { $0[change.index].shape = change.shape } }
        }
        #expect(throws: CheckpointError.self) {
            try network {
                $0[14].shape = [0, 8]
                $0[15].shape = [0]
            }
        }
        #expect(throws: CheckpointError.self) {
            try network {
                $0[0].shape = [0, 3, 11, 11]
                $0[1].shape = [0]
                $0[2].shape = [6, 0, 5, 5]
            }
        }
    }

    @Test func `the number of tensors is bounded, since they are compared with every known network`() throws {
        func tensors(_ count: Int) throws -> StoredTensors {
            try StoredTensors(repeating: 0, (0..<count).map { ("l\($0).weight", [1, 1, 1, 1]) })
        }
        #expect(try ParameterSet(tensors(16_384)).layers.count == 16_384)
        #expect(
            throws: CheckpointError.limitExceeded(what: "tensors for one network", found: 16_385, limit: 16_384)
        ) { try ParameterSet(tensors(16_385)) }
    }

    @Test
    func `a weight that is packed leaves nothing of itself in the file's memory, unless others have a part of it`()
        throws
    {
        // Several pages each; "b" and "c" are the same bytes, and "d" overlaps with "e".
        let features = 256
        let count = features * features
        let buffer = AlignedBuffer(byteCount: 4 * count * 6)
        let values = buffer.bytes.bindMemory(to: Float.self)
        for index in values.indices { values[index] = Float(index % 97 + 1) }
        func tensor(_ name: String, from start: Int, _ extents: [Int]) throws -> StoredTensor {
            let region = try #require(
                ByteRegion(buffer).part(from: 4 * start, count: 4 * extents.reduce(1, *)))
            return try StoredTensor(
                name: name, scalarType: .float32, extents: extents,
                strides: Array([features, 1].suffix(extents.count)),
                storageOffset: 0, storage: region)
        }
        var tensors = StoredTensors()
        for (name, start) in [("a", 0), ("b", 1), ("c", 1), ("d", 2), ("e", 3), ("f", 5)] {
            let overlap = name == "e" ? -1 : 0
            try tensors.append(
                tensor(name, from: start * count + overlap, [features, features]), name: name + ".weight")
            try tensors.append(tensor(name + ".bias", from: 6 * count - features, [features]), name: name + ".bias")
        }
        // The biases lie in "f".
        #expect(tensors.namesOfUnshared == ["a.weight"])
        let parameters = try ParameterSet(
            tensors, packing: WeightPacking(.float32, workers: WorkerPool(threadCount: 2)))
        let before = Array(values)
        for layer in parameters.layers {
            let linear = try layer.linear(inputFeatures: features, isOutput: false)
            let start = ["a": 0, "b": 1, "c": 1, "d": 2, "e": 3, "f": 5][layer.name, default: 0] * count
            let expected = before[(layer.name == "e" ? start - 1 : start)...].prefix(count)
            #expect(linear.parameters[0].scalars == Array(expected), "\(layer.name)")
        }
        let kept = zip(values, before).filter { $0 == $1 }.count
        #expect(kept < values.count && kept >= 5 * count)
        #expect(Array(values[count...]) == Array(before[count...]))
    }
}
