import Foundation
import TestSupport
import Testing
import Threads

@testable import Inference

/// Dictionaries pickled by `numpy.save`.
@Suite(.timeLimit(.minutes(2)))
struct ArrayDictionaryReaderTests {
    private struct Expectation: Decodable {
        struct Tensor: Decodable {
            let name: String
            let shape: [Int]
            /// Of the bit patterns.
            let sum: Int
            /// The same, each times its index modulo 1009.
            let weighted: Int
        }

        let probabilities: [Double]
        let tensors: [Tensor]
        /// Those that hold the network.
        let files: [String]
    }

    private static let expected = try? FixtureFile.decode(Expectation.self, from: "ArrayDictionaries/expected.json")
    private static let networks = expected?.files ?? []
    private static let plain = CheckpointFixtures.names(in: CheckpointFixtures.dictionaries)
        .filter { $0.hasPrefix("arrays-") }

    @Test func `There are valid and hostile files to test with`() {
        #expect(Self.networks.count == 6)
        #expect(Self.plain.count == 6)
        #expect(
            CheckpointFixtures.names(in: CheckpointFixtures.hostileDictionaries)
                == (Self.refusals.keys + [Self.carried]).sorted())
    }

    @Test(arguments: networks)
    func `Layers in every notation are converted to PyTorch's names and layout`(_ name: String) throws {
        let expected = try #require(Self.expected)
        let checkpoint = try Checkpoint(contentsOf: CheckpointFixtures.dictionaries.appending(path: name).path)
        #expect(checkpoint.format == .npy)
        #expect(checkpoint.skipped.isEmpty)
        #expect(Set(checkpoint.tensors.names) == Set(expected.tensors.map(\.name)))
        #expect(checkpoint.tensors.names.first == "conv1.weight")
        for tensor in expected.tensors {
            let stored = try checkpoint.tensor(tensor.name, shape: Shape(tensor.shape))
            let bits = stored.tensor().scalars.map { Int(Int32(bitPattern: $0.bitPattern)) }
            #expect(bits.reduce(0, +) == tensor.sum, "\(tensor.name)")
            var weighted = 0
            for (index, value) in bits.enumerated() { weighted += value * (index % 1009) }
            #expect(weighted == tensor.weighted, "\(tensor.name)")
        }
    }

    @Test(arguments: networks)
    func `The network gives the result of TensorFlow's arithmetic on the arrays in the file`(_ name: String)
        throws
    {
        let expected = try #require(Self.expected)
        let folder = try TemporaryFolder()
        let file = CheckpointFixtures.dictionaries.appending(path: name)
        try FileManager.default.copyItem(atPath: file.path, toPath: folder.path("bvlc_alexnet.npy"))
        try folder.write(Array(#"["a", "b", "c", "d", "e"]"#.utf8), to: "class_indices.json")
        let model = try ModelLoader(workers: WorkerPool(threadCount: 2)).load(ModelFiles(folder: folder.path("")))
        #expect(model.architecture == "alexnet_2012")
        #expect(model.preprocessing == .preset(.caffe, input: [3, 227, 227]))
        var picture: [Float] = []
        for c in 0..<3 {
            for y in 0..<227 {
                for x in 0..<227 { picture.append(Float((c * 71 + y * 13 + x * 29 + y * x) % 256 - 117)) }
            }
        }
        let logits = model.logits([Tensor([3, 227, 227], scalars: picture).channelsLast])[0]
        let powers = logits.map { exp(Double($0)) }
        let sum = powers.reduce(0, +)
        for (power, probability) in zip(powers, expected.probabilities) {
            #expect(abs(power / sum - probability) < 1e-5)
        }
        #expect(logits.count == 5)
    }

    @Test(arguments: plain)
    func `A dictionary of single arrays is taken as it is`(_ name: String) throws {
        let checkpoint = try Checkpoint(contentsOf: CheckpointFixtures.dictionaries.appending(path: name).path)
        #expect(checkpoint.tensors.names == ["fc.weight", "fc.bias", "double", "empty"])
        #expect(try checkpoint.tensor("fc.weight", shape: [2, 3]).tensor().scalars == [0, 1, 2, 3, 4, 5])
        #expect(try checkpoint.tensor("fc.bias", shape: [2]).tensor().scalars == [1.5, -2])
        #expect(checkpoint.tensors["fc.bias"]?.scalarType == .float16)
        #expect(try checkpoint.tensor("double", shape: [1, 1]).tensor().scalars == [0.5])
        #expect(try checkpoint.tensor("empty", shape: [0, 2]).tensor().scalars.isEmpty)
        #expect(checkpoint.skipped == [SkippedTensor(name: "steps", scalarName: "<i8")])
    }

    @Test(arguments: plain)
    func `A truncated file, or one with a trailing byte, is refused`(_ name: String) throws {
        let bytes = try CheckpointFixtures.bytes(name, in: CheckpointFixtures.dictionaries)
        for count in 0..<bytes.count {
            #expect(Checkpoint.error(of: bytes[..<count]) != nil, "cut to \(count) of \(bytes.count) bytes")
        }
        #expect(Checkpoint.error(of: bytes + [0]) != nil)
    }

    @Test(arguments: plain + ["protocol-4-named.npy"])
    func `Changed bytes are refused or leave valid tensors`(_ name: String) throws {
        let bytes = try CheckpointFixtures.bytes(name, in: CheckpointFixtures.dictionaries)
        var generator = SeededGenerator(seed: 5)
        var refusals = 0
        for _ in 0..<5000 {
            var changed = bytes
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                // Numbers make most of a network, and no difference.
                let range = 0..<min(bytes.count, 700)
                changed[Int.random(in: range, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            guard let checkpoint = try? Checkpoint(bytes: changed) else {
                refusals += 1
                continue
            }
            for (_, stored) in checkpoint.tensors {
                #expect(stored.tensor().scalars.count == stored.shape.elementCount)
            }
        }
        #expect(1..<5000 ~= refusals)
    }

    /// A dictionary of layers that all refer to one `[1, 2]` matrix.
    private func dictionary(of names: [String]) -> [UInt8] {
        func text(_ text: String) -> [UInt8] {
            [0x58] + withUnsafeBytes(of: UInt32(text.utf8.count).littleEndian, Array.init) + Array(text.utf8)
        }
        func global(_ module: String, _ name: String) -> [UInt8] { Array("c\(module)\n\(name)\n".utf8) }
        let empty =
            global("numpy.core.multiarray", "_reconstruct") + Array("(".utf8) + global("numpy", "ndarray")
            + Array("(K\0tU\u{1}btR(K\u{1}".utf8)
        func type(_ name: String) -> [UInt8] {
            global("numpy", "dtype") + Array("(".utf8) + text(name) + Array("\u{4E}NtR".utf8)
        }
        let matrix =
            empty + Array("(K\u{1}K\u{2}t".utf8) + type("f4") + [0x89]
            + Array("U\u{8}\0\0\0\0\0\0\0\0tb".utf8)
        var pickle = empty + Array(")".utf8) + type("O") + [0x89] + Array("](}(".utf8)
        for (index, name) in names.enumerated() {
            pickle +=
                text(name) + (index == 0 ? Array("]".utf8) + matrix + Array("aq\u{7}".utf8) : Array("h\u{7}".utf8))
        }
        pickle += Array("uetb.".utf8)
        let header = Array("{'descr': '|O', 'fortran_order': False, 'shape': (), }\n".utf8)
        return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.count), 0] + header + pickle
    }

    @Test func `The number of layers and the length of their names are bounded, because they are sorted`() throws {
        func names(_ count: Int) -> [String] { (0..<count).map { "layer\($0)" } }
        #expect(try Checkpoint(bytes: dictionary(of: names(4096))).tensors.count == 4096)
        #expect(
            Checkpoint.error(of: dictionary(of: names(4097)))
                == .limitExceeded(what: "layers", found: 4097, limit: 4096))
        let long = String(repeating: "a", count: 256)
        #expect(try Checkpoint(bytes: dictionary(of: [long])).tensors.names == [long + ".weight"])
        #expect(
            Checkpoint.error(of: dictionary(of: [long + "b"]))
                == .limitExceeded(what: "bytes in the name of a layer", found: 257, limit: 256))
    }

    /// Files that ask Python to run code that no layer needs.
    private static let carried = "code-reduce.npy"

    @Test func `Code beside the layers becomes an inert name, and the layers are read`() throws {
        let checkpoint = try Checkpoint(
            bytes: try CheckpointFixtures.bytes(Self.carried, in: CheckpointFixtures.hostileDictionaries))
        #expect(checkpoint.tensors.names == ["conv1.weight", "conv1.bias"])
    }

    @Test(arguments: refusals.keys.sorted())
    func `A file that is not a dictionary of layers is refused`(_ name: String) throws {
        let bytes = try CheckpointFixtures.bytes(name, in: CheckpointFixtures.hostileDictionaries)
        #expect(Checkpoint.error(of: bytes)?.description == Self.refusals[name])
    }

    /// One hostile file for each thing that can be wrong, and the sentence it must be refused with.
    static let refusals: [String: String] = [
        "array-big-endian.npy":
            "tensor \"conv1.weight\" is \">f4\" where float32, float16, bfloat16 or float64 is expected",
        "array-bytes-for-objects.npy": "the pickle has bytes at offset 284 where a list of objects is expected",
        "array-huge.npy":
            "tensor \"conv1.weight\" has sizes [1099511627776, 1099511627776] where a product of at most 63"
            + " bits is expected",
        "array-long.npy": "tensor \"conv1.weight\" has 73 bytes where its shape and type need 72",
        "array-negative.npy":
            "tensor \"conv1.weight\" has sizes [-3, -3, 1, 2] where no negative number is expected",
        "array-objects-for-bytes.npy": "the pickle has a list at offset 272 where an array's bytes is expected",
        "array-order.npy": "the pickle has an integer at offset 295 where an array's order is expected",
        "array-rank.npy": "the checkpoint has 17 axes in one tensor, and at most 16 are allowed",
        "array-short.npy": "tensor \"conv1.weight\" has 71 bytes where its shape and type need 72",
        "array-state.npy": "the pickle has 2 values at offset 209 where the state of an array is expected",
        "array-structured.npy":
            "tensor \"conv1.weight\" is \"a structured type\" where float32, float16, bfloat16 or float64 is"
            + " expected",
        "array-text.npy":
            "tensor \"conv1.weight\" is \"|S4\" where float32, float16, bfloat16 or float64 is expected",
        "buffer-order.npy":
            "the pickle has 4 arguments at offset 250 where bytes, a type, a shape and an order is expected",
        "code-as-class.npy":
            "the pickle holds an object of class \"__main__.Harm\" at offset 65, not only tensors: save the"
            + " weights alone with torch.save(model.state_dict(), path)",
        "code-as-type.npy":
            "the pickle holds an object of class \"numpy.dtype\" at offset 30, not only tensors: save the"
            + " weights alone with torch.save(model.state_dict(), path)",
        "code-encode.npy":
            "the pickle asks to run \"_codecs.decode\" at offset 35, and a checkpoint needs only tensors:"
            + " save model.state_dict()",
        "code-extension.npy":
            "the pickle holds the global extension 1 where a dictionary of tensors is expected: save"
            + " model.state_dict()",
        "code-in-numpy.npy":
            "the pickle asks to run \"numpy.testing._private.utils.runstring\" at offset 59, and a checkpoint"
            + " needs only tensors: save model.state_dict()",
        "code-in-state.npy":
            "the pickle has the result of os.system at offset 150 where an array's bytes is expected",
        "code-inst.npy":
            "the pickle asks to run \"os.system\" at offset 17, and a checkpoint needs only tensors: save"
            + " model.state_dict()",
        "code-instead.npy":
            "the pickle asks to run \"os.system\" at offset 28, and a checkpoint needs only tensors: save"
            + " model.state_dict()",
        "code-load.npy":
            "the pickle asks to run \"numpy.load\" at offset 32, and a checkpoint needs only tensors: save"
            + " model.state_dict()",
        "code-stack-global.npy":
            "the pickle asks to run \"os.system\" at offset 36, and a checkpoint needs only tensors: save"
            + " model.state_dict()",
        "deep.npy": "the pickle holds a list where a dictionary of tensors is expected: save model.state_dict()",
        "encoded-beyond.npy":
            "the pickle has characters beyond Latin-1 at offset 330 where bytes written as text is expected",
        "encoded-cut.npy":
            "the pickle has characters beyond Latin-1 at offset 70314 where bytes written as text is expected",
        "encoded-number.npy": "the pickle has an integer at offset 311 where text is expected",
        "encoded-often.npy": "the checkpoint has 120000 bytes of encoded text, and at most 60941 are allowed",
        "encoded-utf8.npy":
            "the pickle has text at offset 323 where an array's bytes is expected",
        "grid-boundless.npy":
            "layer \"fc6\" has no weights of two or four axes where weights and biases are expected",
        "layer-without-numbers.npy":
            "layer \"fc\" has no weights of two or four axes where weights and biases are expected",
        "layer-often.npy": "two tensors are named \"fc6.weight\" once module. and _orig_mod. are removed",
        "grid-odd.npy": "tensor \"fc6.weight\" has 9 inputs where a square number of times 2 channels is expected",
        "grid.npy": "tensor \"fc6.weight\" has 6 inputs where a square number of times 2 channels is expected",
        "huge-bytes.npy": "the pickle is cut short at offset 11: 1 of the 9223372036854775807 bytes needed are there",
        "huge-string.npy": "the pickle is cut short at offset 7: 1 of the 2147483647 bytes needed are there",
        "layer-biases.npy": "layer \"conv1\" has biases of shape [2, 1] where weights and biases are expected",
        "layer-empty.npy":
            "no dictionary of tensors was found, neither at the top nor under a key such as state_dict or model;"
            + " the keys are: \"conv1\"",
        "layer-in-layer.npy": "layer \"conv1\" has a list where weights and biases are expected",
        "layer-integers.npy":
            "tensor \"conv1.weight\" is \"|i1\" where float32, float16, bfloat16 or float64 is expected",
        "layer-key-twice.npy": "layer \"conv1\" has weight where weights and biases are expected",
        "layer-keys.npy": "layer \"conv1\" has scale where weights and biases are expected",
        "layer-many-keys.npy":
            "no dictionary of tensors was found, neither at the top nor under a key such as state_dict or model;"
            + " the keys are: \"conv1\"",
        "layer-of-text.npy":
            "no dictionary of tensors was found, neither at the top nor under a key such as state_dict or model;"
            + " the keys are: \"conv1\"",
        "layer-of-three-axes.npy":
            "layer \"conv1\" has no weights of two or four axes where weights and biases are expected",
        "layer-of-three.npy": "layer \"conv1\" has 3 values where weights and biases are expected",
        "layer-of-unfilled.npy":
            "layer \"conv1\" has an array without numbers where weights and biases are expected",
        "layer-twice.npy": "two tensors are named \"fc.weight\" once module. and _orig_mod. are removed",
        "long-line.npy": "the checkpoint has 65537 bytes in a line of the pickle, and at most 65536 are allowed",
        "many-arrays.npy":
            "no dictionary of tensors was found, neither at the top nor under a key such as state_dict or model;"
            + " the keys are: \"w0\", \"w1\", \"w2\"",
        "no-arrays.npy":
            "no dictionary of tensors was found, neither at the top nor under a key such as state_dict or model;"
            + " the keys are: \"epoch\"",
        "no-layers.npy":
            "no dictionary of tensors was found, neither at the top nor under a key such as state_dict or model;"
            + " the keys are: none",
        "no-object.npy":
            "the pickle holds an array where a dictionary of tensors is expected: save model.state_dict()",
        "no-objects.npy":
            "test is neither a PyTorch checkpoint nor safetensors nor NumPy's .npz or dictionary in .npy:"
            + " it is one NumPy array, not an archive or a dictionary of named ones",
        "object-cycle.npy":
            "the pickle holds an array where a dictionary of tensors is expected: save model.state_dict()",
        "object-list.npy":
            "the pickle holds a list where a dictionary of tensors is expected: save model.state_dict()",
        "root-empty-array.npy":
            "the pickle holds an array where a dictionary of tensors is expected: save model.state_dict()",
        "root-number.npy":
            "the pickle holds an integer where a dictionary of tensors is expected: save model.state_dict()",
        "root-numbers.npy":
            "the pickle holds an array where a dictionary of tensors is expected: save model.state_dict()",
        "shared-layer.npy": "layer \"b\" has a list where weights and biases are expected",
        "trailing.npy": "1 bytes follow the last tensor at offset 596 where the file should end",
        "two-objects.npy":
            "test is neither a PyTorch checkpoint nor safetensors nor NumPy's .npz or dictionary in .npy:"
            + " it is one NumPy array, not an archive or a dictionary of named ones",
        "type-byte-order.npy": "the pickle has 8 values at offset 278 where the state of an array's type is expected",
        "type-state.npy": "the pickle has 0 values at offset 252 where the state of an array's type is expected",
    ]
}
