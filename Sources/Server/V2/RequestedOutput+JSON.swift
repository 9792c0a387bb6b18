import Files
import Inference

extension RequestedOutput {
    /// Reads the array `outputs`.
    ///
    /// - Source: Open Inference Protocol V2, "Request Output"; Triton's classification extension
    static func read(
        _ json: inout JSONCursor<V2Error>, contract: InferenceContract
    ) throws(V2Error) -> [RequestedOutput] {
        var outputs: [RequestedOutput] = []
        try json.readArray { (json) throws(V2Error) in
            let output = try RequestedOutput(&json, contract: contract)
            guard !outputs.contains(where: { $0.name == output.name }) else { throw .repeatedOutput(output.name) }
            outputs.append(output)
        }
        return outputs
    }

    private init(_ json: inout JSONCursor<V2Error>, contract: InferenceContract) throws(V2Error) {
        var name: String?
        var classCount: Int?
        var isBinary: Bool?
        var seen = SeenMembers()
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
