import Files
import Inference

/// The parameters of a whole request; those that mean nothing here are passed over.
struct RequestParameters {
    /// How long the client waits at most.
    private(set) var patience: Duration?
    /// Whether outputs that do not say otherwise go behind the JSON as bytes.
    private(set) var wantsBinary = false

    init() {}

    init(_ json: inout JSONCursor<V2Error>) throws(V2Error) {
        var seen = SeenMembers()
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
