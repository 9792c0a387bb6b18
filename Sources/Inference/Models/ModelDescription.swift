import Foundation

/// What `model.json` says about a model; everything in it can be left out.
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
    /// Overrules the architecture that names and shapes suggest.
    public var architecture: String?
    /// The checkpoint's file name in the model's folder.
    public var checkpoint: String?
    /// The class map's file name in the model's folder.
    public var classes: String?
    /// A preset or every step; see ``Preprocessing``.
    public var preprocessing: PreprocessingDescription?
    /// What the linear layers' weights are held in; see ``Precision``.
    public var precision: Precision?
    /// Limits of its own, where the settings' do not fit it.
    public var batching: BatchingDescription?
    /// By which algorithm a layer is computed, where measuring should not decide: names as `alexnet bench --layers` tells them.
    public var algorithms: [String: String]?
    /// Local response normalisation, of which no checkpoint tells: an object, or `false` for none.
    public var localResponseNorm: LocalResponseNormDescription?
    /// What stands behind LeNet's and AlexNet's layers: `none`, `relu`, `tanh` or `sigmoid`.
    public var activation: String?
    /// How LeNet and AlexNet make their maps smaller: `max` or `average`.
    public var pooling: String?
    /// The side of AlexNet's pooling windows. Units: pixels.
    public var poolSize: Int?
    /// Of the first convolution of LeNet and AlexNet. Units: pixels.
    public var padding: Int?
    /// Of the network's input.
    public var inputSize: InputSizeDescription?
    /// Whether GoogLeNet brings ImageNet's normalisation to mean and deviation 0.5, as torchvision's pretrained weights want.
    public var transformInput: Bool?
    /// What the names of the network's tensors begin with, where the file holds other things too.
    public var prefix: String?
    /// What makes probabilities of the outputs: `softmax`, or `sigmoid` of the only one.
    public var output: OutputActivation?
    /// What input and outputs are called; see ``TensorNames``.
    public var tensors: TensorNames?

    /// `alexnet train` writes some hundred bytes. Units: bytes.
    static let maxByteCount = 1 << 20

    /// A description that says nothing: everything is inferred.
    public init() {}

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case architecture, checkpoint, classes, preprocessing, precision, batching, algorithms, training, tensors
        case localResponseNorm = "local_response_norm"
        case activation, pooling, padding, output, prefix
        case poolSize = "pool_size"
        case inputSize = "input_size"
        case transformInput = "transform_input"
    }

    /// What makes probabilities of a network's outputs.
    public enum OutputActivation: String, Sendable, CaseIterable {
        case softmax, sigmoid
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
            throw ModelError.description("precision is \"\(name)\"; \"float32\", \"float16\" and \"int8\" are known")
        }
        return precision
    }

    private static func output(_ name: String) throws(ModelError) -> OutputActivation {
        guard let output = OutputActivation(rawValue: name) else {
            throw ModelError.description("output is \"\(name)\"; \"softmax\" and \"sigmoid\" are known")
        }
        return output
    }

    /// - Throws: ``ModelError/description(_:)`` with a sentence that names the key.
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

/// A key that nobody reads is a typing error, and a silent one would change what is served.
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

/// Limits that a `model.json` sets for its model, under `batching`; those it leaves out are the server's.
public struct BatchingDescription: Sendable, Equatable, Decodable {
    /// The most images in one forward pass: 1 to 4096.
    public var maxBatchSize: Int?
    /// The most images that may wait: 1 to 1,000,000.
    public var queueCapacity: Int?

    /// Everything is the server's.
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

/// What a model's input and outputs are called by clients that address tensors by name.
public struct TensorNames: Sendable, Equatable, Decodable {
    /// The picture, or the network's input made from it.
    public var input = "input"
    /// The outputs behind the soft-max.
    public var probabilities = "probabilities"
    /// The outputs before it.
    public var logits = "logits"

    /// The longest name. Units: bytes.
    static let maxByteCount = 128

    /// The names where `model.json` does not say.
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
