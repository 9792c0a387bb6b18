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
    /// The paper's normalisation, whose convention no checkpoint tells.
    public var localResponseNorm: LocalResponseNormDescription?
    /// What stands behind LeNet's layers: `none`, `relu`, `tanh` or `sigmoid`.
    public var activation: String?
    /// How LeNet makes its maps smaller: `max` or `average`.
    public var pooling: String?
    /// Whether GoogLeNet brings ImageNet's normalisation to mean and deviation 0.5, as torchvision's pretrained weights want.
    public var transformInput: Bool?
    /// What input and outputs are called; see ``TensorNames``.
    public var tensors: TensorNames?

    /// `alexnet train` writes some hundred bytes. Units: bytes.
    static let maxByteCount = 1 << 20

    /// A description that says nothing: everything is inferred.
    public init() {}

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case architecture, checkpoint, classes, preprocessing, precision, batching, algorithms, training, tensors
        case localResponseNorm = "local_response_norm"
        case activation, pooling
        case transformInput = "transform_input"
    }

    /// The parameters of ``LocalResponseNorm``, each with its own default.
    public struct LocalResponseNormDescription: Sendable, Decodable {
        /// Units: channels.
        public var size: Int?
        /// See ``LocalResponseNorm/Convention``.
        public var alpha: Float?
        /// The exponent.
        public var beta: Float?
        /// What is divided by where all is quiet.
        public var k: Float?
        /// `caffe` or `tensorflow`.
        public var convention: String?

        fileprivate enum CodingKeys: String, CodingKey, CaseIterable { case size, alpha, beta, k, convention }

        public init(from decoder: any Decoder) throws {
            try UnknownKey.refuse(in: decoder, known: CodingKeys.allCases.map(\.rawValue))
            let values = try decoder.container(keyedBy: CodingKeys.self)
            size = try values.decodeIfPresent(Int.self, forKey: .size)
            alpha = try values.decodeIfPresent(Float.self, forKey: .alpha)
            beta = try values.decodeIfPresent(Float.self, forKey: .beta)
            k = try values.decodeIfPresent(Float.self, forKey: .k)
            convention = try values.decodeIfPresent(String.self, forKey: .convention)
        }
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
        tensors = try values.decodeIfPresent(TensorNames.self, forKey: .tensors)
        transformInput = try values.decodeIfPresent(Bool.self, forKey: .transformInput)
    }

    private static func precision(_ name: String) throws(ModelError) -> Precision {
        guard let precision = Precision(rawValue: name) else {
            throw ModelError.description("precision is \"\(name)\"; \"float32\", \"float16\" and \"int8\" are known")
        }
        return precision
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

    /// The algorithms that the description asks for.
    ///
    /// - Throws: ``ModelError/description(_:)`` for a layer that the network has not, or an algorithm that does not compute it.
    func checkedAlgorithms(for network: Network) throws(ModelError) -> [String: String] {
        for (node, algorithm) in (algorithms ?? [:]).sorted(by: { $0.key < $1.key }) {
            guard let known = network.algorithmNames(of: node), !known.isEmpty else {
                throw ModelError.description(
                    "algorithms names the layer \"\(node)\"; the network has "
                        + network.nodes.map(\.name).filter { network.algorithmNames(of: $0)?.isEmpty == false }
                        .joined(separator: ", "))
            }
            guard known.contains(algorithm) else {
                throw ModelError.description(
                    "algorithms.\(node) is \"\(algorithm)\"; known there are \(known.joined(separator: ", "))")
            }
        }
        return algorithms ?? [:]
    }

    /// The normalisation layer that the description asks for.
    func makeLocalResponseNorm() throws(ModelError) -> LocalResponseNorm {
        let name = localResponseNorm?.convention ?? LocalResponseNorm.Convention.caffe.rawValue
        guard let convention = LocalResponseNorm.Convention(rawValue: name) else {
            throw ModelError.description(
                "local_response_norm.convention is \"\(name)\"; \"caffe\" and \"tensorflow\" are known")
        }
        let (size, alpha) = (localResponseNorm?.size ?? 5, localResponseNorm?.alpha ?? 1e-4)
        let (beta, k) = (localResponseNorm?.beta ?? 0.75, localResponseNorm?.k ?? 1)
        guard 1...1024 ~= size, alpha.isFinite, alpha >= 0, beta.isFinite, k.isFinite, k > 0 else {
            throw ModelError.description(
                "local_response_norm wants a size of 1 to 1024, alpha of 0 or more, k above 0 and a finite beta")
        }
        return LocalResponseNorm(size: size, alpha: alpha, beta: beta, k: k, convention: convention)
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
