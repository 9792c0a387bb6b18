import Files
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
    let pictures: [PictureInput]
    /// What is asked for, in that order.
    let outputs: [RequestedOutput]

    /// Units: bytes. A UUID has 36; the id is sent back as it is.
    static let maxIDByteCount = 1024

    /// Reads the content of a request.
    ///
    /// - Parameters:
    ///   - headerLength: where the JSON ends and binary tensors begin; nil means that there are none. Units: bytes.
    /// - Throws: ``V2Error`` with the first thing that is wrong.
    init(_ content: [UInt8], headerLength: Int?, contract: InferenceContract) throws(V2Error) {
        let jsonByteCount = headerLength ?? content.count
        guard jsonByteCount <= content.count else {
            throw .headerTooLong(found: jsonByteCount, available: content.count)
        }
        var json = JSONCursor<V2Error>(content, count: jsonByteCount)
        var input: InputTensor?
        var requested: [RequestedOutput]?
        var parameters = RequestParameters()
        var seen = SeenMembers()
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
        pictures = try input.pictures(behind: jsonByteCount, in: content)
        let outputs = requested.flatMap { $0.isEmpty ? nil : $0 } ?? contract.outputs
        self.outputs = outputs.map { output in
            var output = output
            output.isBinary = output.isBinary ?? parameters.wantsBinary
            return output
        }
    }
}
