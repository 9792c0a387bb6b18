import Inference

/// What `POST …/infer` carries, read and checked.
///
/// - Source: Open Inference Protocol V2, "Inference Request JSON Object"; its binary tensor data extension
struct InferenceRequest: Sendable {
    /// Is sent back.
    private(set) var id: String?
    /// How long the client waits at most.
    private(set) var patience: Duration?
    /// One or more, in the order of the tensor's first axis.
    let images: [PictureInput]
    /// What is asked for, in that order.
    let outputs: [RequestedOutput]

    /// Units: bytes. A UUID has 36; the id is sent back as it is.
    static let maxIDByteCount = 1024

    /// Reads the content of a request.
    ///
    /// - Parameters:
    ///   - headerLength: where the JSON ends and binary tensors begin; nil means that there are none. Units: bytes.
    /// - Throws: ``V2Error`` with the first thing that is wrong.
    init(_ content: [UInt8], headerLength: Int?, contract: ModelSignature) throws(V2Error) {
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
                input = try InputTensor.readOnly(&json, contract: contract)
            case "outputs":
                try seen.insert(key)
                requested = try RequestedOutput.read(&json, contract: contract)
            default: try json.skipValue()
            }
        }
        guard let input else { throw .noInput(name: contract.names.input) }
        if headerLength == nil, let size = input.binaryByteCount { throw .headerLengthMissing(size: size) }
        try json.finish(expecting: "the end of the JSON")

        self.id = id
        patience = parameters.patience
        images = try input.images(behind: jsonByteCount, in: content)
        let outputs = requested.flatMap { $0.isEmpty ? nil : $0 } ?? contract.outputs
        self.outputs = outputs.map { output in
            var output = output
            output.isBinary = output.isBinary ?? parameters.wantsBinary
            return output
        }
    }
}

/// The parameters of a whole request; those that mean nothing here are passed over.
struct RequestParameters {
    /// How long the client waits at most.
    private(set) var patience: Duration?
    /// Whether outputs that do not say otherwise go behind the JSON as bytes.
    private(set) var wantsBinary = false

    init() {}

    init(_ json: inout JSONCursor<V2Error>) throws(V2Error) {
        var seen = DuplicateKeyCheck()
        try json.readObject { (json, key, _) throws(V2Error) in
            switch key {
            case "timeout":
                try seen.insert(key)
                // As Triton has it, 0 means no timeout.
                guard case .whole(let count) = try json.readScalar() else { throw .timeout }
                if count > 0 { patience = .microseconds(count) }
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

/// One output as a request wants it.
struct RequestedOutput: Equatable, Sendable {
    /// Which of the network's outputs it is.
    enum Source: Equatable, Sendable {
        /// Behind the soft-max.
        case probabilities
        /// Before it.
        case logits
    }

    let source: Source
    /// As the model calls it.
    let name: String
    /// How many classes to name instead of the values of all, where that is wanted.
    var classCount: Int?
    /// Whether it goes behind the JSON as bytes; nil leaves it to the request.
    var isBinary: Bool?
}

extension RequestedOutput {
    /// Reads the array `outputs`.
    ///
    /// - Source: Open Inference Protocol V2, "Request Output"; Triton's classification extension
    static func read(
        _ json: inout JSONCursor<V2Error>, contract: ModelSignature
    ) throws(V2Error) -> [RequestedOutput] {
        var outputs: [RequestedOutput] = []
        try json.readArray { (json) throws(V2Error) in
            let output = try RequestedOutput(&json, contract: contract)
            guard !outputs.contains(where: { $0.name == output.name }) else { throw .repeatedOutput(output.name) }
            outputs.append(output)
        }
        return outputs
    }

    private init(_ json: inout JSONCursor<V2Error>, contract: ModelSignature) throws(V2Error) {
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
                        classCount = try Self.classCount(try json.readScalar(), of: contract.classCount)
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
        self = try contract.output(named: name)
        self.classCount = classCount
        self.isBinary = isBinary
    }

    /// 0 is how clients say that they want no classes; more than there are means all.
    private static func classCount(_ value: JSONScalar, of count: Int) throws(V2Error) -> Int? {
        guard case .whole(let wanted) = value else {
            throw .parameter(name: "classification", tensor: "an output", expected: "a whole number of 0 or more")
        }
        return wanted == 0 ? nil : min(wanted, count)
    }
}

/// Which members of an object have been read; a second one would silently win over the first.
struct DuplicateKeyCheck {
    private var names: Set<String> = []

    /// - Throws: ``V2Error/repeatedMember(_:)``
    mutating func insert(_ name: String) throws(V2Error) {
        guard names.insert(name).inserted else { throw .repeatedMember(name) }
    }
}
