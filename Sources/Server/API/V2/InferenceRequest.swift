import Files
import Inference

/// The content of `POST …/infer`, parsed and checked.
///
/// - Source: Open Inference Protocol V2, "Inference Request JSON Object"; its binary tensor data extension
struct InferenceRequest: Sendable {
    /// The request's identifier, which the answer repeats.
    private(set) var id: String?
    /// The longest that the client waits; nil without a limit.
    private(set) var timeout: Duration?
    /// The images, at least one, in the order of the tensor's first axis.
    let images: [ImageInput]
    /// The requested outputs, in the order of the request.
    let outputs: [RequestedOutput]

    /// The longest ``id``; a UUID has 36 bytes. Units: bytes.
    static let maxIDByteCount = 1024

    /// Parses the content of a request.
    ///
    /// - Parameter headerLength: where the JSON ends and binary tensors begin; 0 if there is no JSON, but only the
    ///   input's values; nil without binary tensors. Units: bytes.
    /// - Throws: ``V2Error`` of the first mistake.
    init(_ content: [UInt8], headerLength: Int?, signature: ModelSignature) throws(V2Error) {
        if headerLength == 0 {
            images = try RawInput.images(content, signature: signature)
            outputs = signature.outputs.map { output in
                var output = output
                output.isBinary = true
                return output
            }
            return
        }
        let jsonByteCount = headerLength ?? content.count
        guard jsonByteCount <= content.count else {
            throw .headerTooLong(found: jsonByteCount, available: content.count)
        }
        var json = JSONCursor<V2Error>(content, count: jsonByteCount)
        var input: InputTensor?
        var requested: [RequestedOutput]?
        var parameters = RequestParameters()
        var seen = DuplicateKeyCheck()
        var id: String?
        try json.readObject { (json, key, _) throws(V2Error) in
            switch key {
            case "id":
                try seen.insert(key)
                let text = try json.readString()
                guard text.utf8.count <= Self.maxIDByteCount else { throw .longID(limit: Self.maxIDByteCount) }
                id = text
            case "parameters":
                try seen.insert(key)
                parameters = try RequestParameters(&json)
            case "inputs":
                try seen.insert(key)
                input = try InputTensor.parse(&json, signature: signature)
            case "outputs":
                try seen.insert(key)
                requested = try RequestedOutput.read(&json, signature: signature)
            default: try json.skipValue()
            }
        }
        guard let input else { throw .noInput(name: signature.names.input) }
        if headerLength == nil, let size = input.binaryByteCount { throw .headerLengthMissing(size: size) }
        try json.finish(expecting: "the end of the JSON")

        self.id = id
        timeout = parameters.timeout
        images = try input.images(behind: jsonByteCount, in: content)
        let outputs = requested.flatMap { $0.isEmpty ? nil : $0 } ?? signature.outputs
        self.outputs = outputs.map { output in
            var output = output
            output.isBinary = output.isBinary ?? parameters.wantsBinary
            return output
        }
    }
}

/// A request without JSON: the content is the values of the only input, from which datatype and shape follow.
///
/// - Source: Triton's binary tensor data extension, "Raw Binary Request"
enum RawInput {
    /// An image file, or normalised inputs of the network one after the other.
    ///
    /// - Throws: ``V2Error`` if the content is neither, or has more images than the limit.
    static func images(_ content: [UInt8], signature: ModelSignature) throws(V2Error) -> [ImageInput] {
        if (try? ImageFormat(signatureOf: content[...])) != nil { return [.encoded(content[...])] }
        let imageByteCount = signature.shapeRule.network.reduce(MemoryLayout<Float>.size, *)
        guard !content.isEmpty, content.count.isMultiple(of: imageByteCount) else {
            throw .rawByteCount(found: content.count, imageByteCount: imageByteCount)
        }
        let extents = [content.count / imageByteCount] + signature.shapeRule.network
        let count = try signature.shapeRule.elementCount(
            .float32, extents, limit: signature.limit, pixels: signature.pixelLimit)
        return try BinaryTensor(extents: extents, elementCount: count).images(.float32, in: content[...])
    }
}

/// The parameters of a whole request; unknown ones are ignored.
struct RequestParameters {
    /// The longest that the client waits; nil without a limit.
    private(set) var timeout: Duration?
    /// The default of ``RequestedOutput/isBinary``.
    private(set) var wantsBinary = false

    init() {}

    init(_ json: inout JSONCursor<V2Error>) throws(V2Error) {
        var seen = DuplicateKeyCheck()
        try json.readObject { (json, key, _) throws(V2Error) in
            switch key {
            case "timeout":
                try seen.insert(key)
                // Triton: 0 means no timeout.
                guard case .whole(let count) = try json.readScalar() else { throw .timeout }
                if count > 0 { timeout = .microseconds(count) }
            case "binary_data_output":
                try seen.insert(key)
                guard case .bool(let wants) = try json.readScalar() else {
                    throw .parameter(name: key, tensor: "the request", expected: "true or false")
                }
                wantsBinary = wants
            default: try json.skipValue()
            }
        }
    }
}

/// An output that a request asks for.
struct RequestedOutput: Equatable, Sendable {
    /// The values of an output.
    enum Source: Equatable, Sendable {
        /// After the softmax.
        case probabilities
        /// Before the softmax.
        case logits
    }

    let source: Source
    /// The tensor's name.
    let name: String
    /// How many of the best classes to return; nil returns the values of all classes.
    var classCount: Int?
    /// Whether the values follow the JSON in binary; nil uses the request's default.
    var isBinary: Bool?
}

extension RequestedOutput {
    /// Parses the array `outputs`.
    ///
    /// - Source: Open Inference Protocol V2, "Request Output"; Triton's classification extension
    static func read(
        _ json: inout JSONCursor<V2Error>, signature: ModelSignature
    ) throws(V2Error) -> [RequestedOutput] {
        var outputs: [RequestedOutput] = []
        try json.readArray { (json) throws(V2Error) in
            let output = try RequestedOutput(&json, signature: signature)
            guard !outputs.contains(where: { $0.name == output.name }) else { throw .repeatedOutput(output.name) }
            outputs.append(output)
        }
        return outputs
    }

    private init(_ json: inout JSONCursor<V2Error>, signature: ModelSignature) throws(V2Error) {
        var name: String?
        var classCount: Int?
        var isBinary: Bool?
        var seen = DuplicateKeyCheck()
        try json.readObject { (json, key, _) throws(V2Error) in
            switch key {
            case "name":
                try seen.insert(key)
                name = try json.readString()
            case "parameters":
                try seen.insert(key)
                try json.readObject { (json, key, _) throws(V2Error) in
                    switch key {
                    case "classification":
                        try seen.insert("parameters.classification")
                        classCount = try Self.classCount(try json.readScalar(), of: signature.classCount)
                    case "binary_data":
                        try seen.insert("parameters.binary_data")
                        guard case .bool(let wants) = try json.readScalar() else {
                            throw .parameter(name: key, tensor: "an output", expected: "true or false")
                        }
                        isBinary = wants
                    case _ where key.hasPrefix("shared_memory_"): throw .sharedMemory(tensor: "An output")
                    default: try json.skipValue()
                    }
                }
            default: try json.skipValue()
            }
        }
        guard let name else { throw .parameter(name: "name", tensor: "an output", expected: "a text") }
        self = try signature.output(named: name)
        self.classCount = classCount
        self.isBinary = isBinary
    }

    /// The parameter `classification`: 0 requests the values of all classes; more than the model has means all classes.
    private static func classCount(_ value: JSONScalar, of count: Int) throws(V2Error) -> Int? {
        guard case .whole(let wanted) = value else {
            throw .parameter(name: "classification", tensor: "an output", expected: "a whole number of 0 or more")
        }
        return wanted == 0 ? nil : min(wanted, count)
    }
}

/// Refuses JSON members that occur twice in one object: the second one would silently replace the first.
struct DuplicateKeyCheck {
    private var names: Set<String> = []

    /// - Throws: ``V2Error/repeatedMember(_:)``
    mutating func insert(_ name: String) throws(V2Error) {
        guard names.insert(name).inserted else { throw .repeatedMember(name) }
    }
}
