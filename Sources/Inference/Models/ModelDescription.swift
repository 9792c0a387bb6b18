import Foundation

/// The content of `model.json`, which describes a model. Every field is optional.
///
///     {
///       "architecture": "alexnet_2012",
///       "checkpoint": "bvlc_alexnet.safetensors",
///       "classes": "class_indices.json",
///       "preprocessing": "caffe",
///       "precision": "float16",
///       "batching": { "max_batch_size": 8, "queue_capacity": 64 },
///       "training": { "epochs": 10 },
///       "tensors": { "input": "data_0", "probabilities": "prob_1" },
///       "local_response_norm": { "size": 5, "alpha": 1e-4, "beta": 0.75, "k": 1, "convention": "caffe" }
///     }
public struct ModelDescription: Sendable, Decodable {
    /// The architecture's name; nil to recognise it by the names and shapes of the tensors.
    public var architecture: String?
    /// The checkpoint's file name in the model's folder; nil if the folder has only one.
    public var checkpoint: String?
    /// The class map's file name in the model's folder; nil to look for the usual names.
    public var classes: String?
    /// A preset or a list of steps; nil for the architecture's preset. See ``Preprocessing``.
    public var preprocessing: PreprocessingDescription?
    /// The precision of the linear layers' weights; nil for the server's setting. See ``Precision``.
    public var precision: Precision?
    /// Limits for this model that override the server's.
    public var batching: BatchingDescription?
    /// The algorithm of each named layer, for layers whose algorithm should not be chosen by measurement.
    /// `alexnet bench --layers` prints the names of layers and algorithms.
    public var algorithms: [String: String]?
    /// Local response normalisation, which a checkpoint does not record: an object, or `false` if the network has none.
    public var localResponseNorm: LocalResponseNormDescription?
    /// The activation of LeNet and AlexNet: `none`, `relu`, `tanh` or `sigmoid`.
    public var activation: String?
    /// The pooling of LeNet and AlexNet: `max` or `average`.
    public var pooling: String?
    /// The side of AlexNet's square pooling windows. Units: pixels.
    public var poolSize: Int?
    /// The padding of the first convolution of LeNet and AlexNet. Units: pixels.
    public var padding: Int?
    /// The size of the network's input. Units: pixels.
    public var inputSize: InputSizeDescription?
    /// Whether GoogLeNet converts inputs normalised with ImageNet's mean and deviation to mean and deviation 0.5, as
    /// torchvision's pretrained weights require.
    public var transformInput: Bool?
    /// The prefix of the network's tensors, if the checkpoint has other tensors too.
    public var prefix: String?
    /// How logits become probabilities: `softmax`, or `sigmoid` for a single output.
    public var output: OutputActivation?
    /// The names of the input and the outputs; see ``TensorNames``.
    public var tensors: TensorNames?

    /// The largest `model.json`; `alexnet train` writes a few hundred bytes. Units: bytes.
    static let maxByteCount = 1 << 20

    /// An empty description: everything is inferred from the files.
    public init() {}

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case architecture, checkpoint, classes, preprocessing, precision, batching, algorithms, training, tensors
        case localResponseNorm = "local_response_norm"
        case activation, pooling, padding, output, prefix
        case poolSize = "pool_size"
        case inputSize = "input_size"
        case transformInput = "transform_input"
    }

    /// How a network's logits become probabilities; see ``Softmax``.
    public enum OutputActivation: String, Sendable, CaseIterable {
        /// Softmax over several outputs; the probabilities sum to 1.
        case softmax
        /// Sigmoid of a single output: the probability of the second of two classes.
        case sigmoid
    }

    public init(from decoder: any Decoder) throws {
        try UnknownKey.refuse(in: decoder, known: CodingKeys.allCases.map(\.rawValue))
        let values = try decoder.container(keyedBy: CodingKeys.self)
        architecture = try values.decodeIfPresent(String.self, forKey: .architecture)
        checkpoint = try values.decodeIfPresent(String.self, forKey: .checkpoint)
        classes = try values.decodeIfPresent(String.self, forKey: .classes)
        preprocessing = try values.decodeIfPresent(PreprocessingDescription.self, forKey: .preprocessing)
        precision = try values.decodeIfPresent(String.self, forKey: .precision).map(Self.precision)
        batching = try values.decodeIfPresent(BatchingDescription.self, forKey: .batching)
        algorithms = try values.decodeIfPresent([String: String].self, forKey: .algorithms)
        localResponseNorm = try values.decodeIfPresent(LocalResponseNormDescription.self, forKey: .localResponseNorm)
        activation = try values.decodeIfPresent(String.self, forKey: .activation)
        pooling = try values.decodeIfPresent(String.self, forKey: .pooling)
        prefix = try values.decodeIfPresent(String.self, forKey: .prefix)
        output = try values.decodeIfPresent(String.self, forKey: .output).map(Self.output)
        poolSize = try values.decodeIfPresent(Int.self, forKey: .poolSize)
        padding = try values.decodeIfPresent(Int.self, forKey: .padding)
        inputSize = try values.decodeIfPresent(InputSizeDescription.self, forKey: .inputSize)
        tensors = try values.decodeIfPresent(TensorNames.self, forKey: .tensors)
        transformInput = try values.decodeIfPresent(Bool.self, forKey: .transformInput)
    }

    private static func precision(_ name: String) throws(ModelError) -> Precision {
        guard let precision = Precision(rawValue: name) else {
            throw ModelError.description(
                "precision is \"\(name)\"; \"float32\", \"float16\" and \"int8-weights\" are known"
                    + (name == "int8" ? "; alexnet quantize makes a model that is computed in int8" : ""))
        }
        return precision
    }

    private static func output(_ name: String) throws(ModelError) -> OutputActivation {
        guard let output = OutputActivation(rawValue: name) else {
            throw ModelError.description("output is \"\(name)\"; \"softmax\" and \"sigmoid\" are known")
        }
        return output
    }

    /// Parses the bytes of `model.json`.
    ///
    /// - Throws: ``ModelError/description(_:)`` or ``ModelError/preprocessing(_:)``, with the key of the invalid value.
    init(json: [UInt8]) throws(ModelError) {
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(json))
        } catch let error as ModelError {
            throw error
        } catch let error as UnknownKey {
            throw ModelError.description(error.description)
        } catch let error as PreprocessingError {
            throw ModelError.preprocessing(error)
        } catch let DecodingError.typeMismatch(type, context) {
            let path = context.codingPath.map(\.stringValue).joined(separator: ".")
            throw ModelError.description(
                path.isEmpty ? "it is not a JSON object" : "\"\(path)\" is not a \(type)")
        } catch {
            throw ModelError.description("it is not well-formed JSON")
        }
    }
}

/// An unknown key. It is probably misspelt and is refused, because ignoring it could change the predictions.
struct UnknownKey: Error, CustomStringConvertible {
    let key: String
    let known: [String]

    var description: String { "\"\(key)\" is unknown; known are \(known.joined(separator: ", "))" }

    private struct AnyKey: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    static func refuse(in decoder: any Decoder, known: [String]) throws {
        for key in try decoder.container(keyedBy: AnyKey.self).allKeys where !known.contains(key.stringValue) {
            throw UnknownKey(key: key.stringValue, known: known)
        }
    }
}

/// The batching limits in `model.json`; nil for the server's limits.
public struct BatchingDescription: Sendable, Equatable, Decodable {
    /// The most images in one forward pass, 1 to 4096. Units: images.
    public var maxBatchSize: Int?
    /// The most images that wait in the model's queue, 1 to 1,000,000. Units: images.
    public var queueCapacity: Int?

    /// No limits of its own: the server's apply.
    public init() {}

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case maxBatchSize = "max_batch_size"
        case queueCapacity = "queue_capacity"
    }

    public init(from decoder: any Decoder) throws {
        try UnknownKey.refuse(in: decoder, known: CodingKeys.allCases.map(\.rawValue))
        let values = try decoder.container(keyedBy: CodingKeys.self)
        func limit(_ key: CodingKeys, _ range: ClosedRange<Int>) throws -> Int? {
            guard let value = try values.decodeIfPresent(Int.self, forKey: key) else { return nil }
            guard range.contains(value) else {
                throw ModelError.description(
                    "batching.\(key.rawValue) is \(value); it takes \(range.lowerBound) to \(range.upperBound)")
            }
            return value
        }
        maxBatchSize = try limit(.maxBatchSize, 1...4096)
        queueCapacity = try limit(.queueCapacity, 1...1_000_000)
    }
}

/// The names of a model's input and outputs, for clients that address tensors by name.
public struct TensorNames: Sendable, Equatable, Decodable {
    /// The name of the input: an image, or the preprocessed tensor.
    public var input = "input"
    /// The name of the output after the softmax.
    public var probabilities = "probabilities"
    /// The name of the output before the softmax.
    public var logits = "logits"

    /// The longest name. Units: bytes.
    static let maxByteCount = 128

    /// The default names.
    public init() {}

    private enum CodingKeys: String, CodingKey, CaseIterable { case input, probabilities, logits }

    public init(from decoder: any Decoder) throws {
        try UnknownKey.refuse(in: decoder, known: CodingKeys.allCases.map(\.rawValue))
        let values = try decoder.container(keyedBy: CodingKeys.self)
        input = try values.decodeIfPresent(String.self, forKey: .input) ?? input
        probabilities = try values.decodeIfPresent(String.self, forKey: .probabilities) ?? probabilities
        logits = try values.decodeIfPresent(String.self, forKey: .logits) ?? logits
        try check()
    }

    private func check() throws(ModelError) {
        let names = [input, probabilities, logits]
        guard names.allSatisfy({ 1...Self.maxByteCount ~= $0.utf8.count }) else {
            throw ModelError.description("a name in \"tensors\" has to be 1 to \(Self.maxByteCount) bytes long")
        }
        guard Set(names).count == names.count else {
            throw ModelError.description("\"tensors\" calls two tensors \"\(duplicate(names))\"")
        }
    }

    private func duplicate(_ names: [String]) -> String {
        names.first { name in names.count { $0 == name } > 1 } ?? ""
    }
}
