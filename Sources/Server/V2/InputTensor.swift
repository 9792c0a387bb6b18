import Files
import Inference

/// The input of a request: what it is called and shaped, and where its values are.
///
/// - Source: Open Inference Protocol V2, "Request Input"
struct InputTensor {
    /// Where the values are.
    private enum Data {
        case none
        /// In the JSON, and read.
        case read(TensorValues)
        /// In the JSON from this byte on, before the shape that they must fit was known.
        case passed(offset: Int)
    }

    let contract: InferenceContract
    private var name: String?
    private var datatype: TensorDatatype?
    private var extents: [Int]?
    private var data = Data.none
    /// How many bytes behind the JSON are its values.
    private(set) var binaryByteCount: Int?

    /// More axes than any input has. Longer shapes are refused while they are read.
    private static let maxRank = 8

    /// Reads the array `inputs`, which has one item here.
    static func readOnly(
        _ json: inout JSONCursor<V2Error>, contract: InferenceContract
    ) throws(V2Error) -> InputTensor? {
        var input: InputTensor?
        try json.readArray { (json) throws(V2Error) in
            guard input == nil else { throw try second(&json, contract: contract) }
            input = try InputTensor(&json, contract: contract)
        }
        return input
    }

    /// What is wrong with a second input: its name.
    private static func second(
        _ json: inout JSONCursor<V2Error>, contract: InferenceContract
    ) throws(V2Error) -> V2Error {
        let other = try InputTensor(&json, contract: contract, readsData: false)
        return .repeatedInput(other.name ?? contract.names.input)
    }

    private init(
        _ json: inout JSONCursor<V2Error>, contract: InferenceContract, readsData: Bool = true
    ) throws(V2Error) {
        self.contract = contract
        var seen = SeenMembers()
        try json.readObject { (json, key, _) throws(V2Error) in
            switch key {
            case "name":
                try seen.insert(key)
                let name = try json.readString()
                guard name == contract.names.input else {
                    throw .inputName(found: String(name.prefix(80)), expected: contract.names.input)
                }
                self.name = name
            case "datatype":
                try seen.insert(key)
                let name = try json.readString()
                guard let datatype = TensorDatatype(rawValue: name) else {
                    throw .datatype(found: String(name.prefix(80)), contract.rule)
                }
                self.datatype = datatype
            case "shape":
                try seen.insert(key)
                extents = try json.readNumbers(maxCount: Self.maxRank)
            case "parameters":
                try seen.insert(key)
                try readParameters(&json)
            case "data":
                try seen.insert(key)
                try readData(&json, isWanted: readsData)
            default: try json.skipValue()
            }
        }
        if name == nil { throw .incompleteInput(member: "name") }
        if case .passed(let offset) = data, readsData {
            let end = json.offset
            json.offset = offset
            data = .read(try values(&json))
            json.offset = end
        }
    }

    private mutating func readParameters(_ json: inout JSONCursor<V2Error>) throws(V2Error) {
        var seen = SeenMembers()
        try json.readObject { (json, key, _) throws(V2Error) in
            switch key {
            case "binary_data_size":
                try seen.insert(key)
                guard case .whole(let count) = try json.readScalar() else {
                    throw .parameter(name: key, tensor: "an input", expected: "a whole number of bytes")
                }
                binaryByteCount = count
            case _ where key.hasPrefix("shared_memory_"): throw .sharedMemory(tensor: "The input")
            default: try json.skipValue()
            }
        }
    }

    private mutating func readData(_ json: inout JSONCursor<V2Error>, isWanted: Bool) throws(V2Error) {
        if isWanted, datatype != nil, extents != nil {
            data = .read(try values(&json))
        } else {
            data = .passed(offset: json.offset)
            try json.skipValue()
        }
    }

    private func values(_ json: inout JSONCursor<V2Error>) throws(V2Error) -> TensorValues {
        let (datatype, extents, count) = try form()
        return try TensorValues(&json, datatype, extents, count: count)
    }

    /// What the tensor must be like, checked before memory is taken for it.
    private func form() throws(V2Error) -> (datatype: TensorDatatype, extents: [Int], elementCount: Int) {
        guard let datatype else { throw .incompleteInput(member: "datatype") }
        guard let extents else { throw .incompleteInput(member: "shape") }
        let count = try contract.rule.elementCount(
            datatype, extents, limit: contract.limit, pixels: contract.pixels)
        return (datatype, extents, count)
    }

    /// The pictures, from the JSON or from the bytes behind it.
    ///
    /// - Throws: ``V2Error`` where bytes are missing, left over, or no tensor of this shape.
    func pictures(behind offset: Int, in content: [UInt8]) throws(V2Error) -> [PictureInput] {
        let (datatype, extents, count) = try form()
        let name = contract.names.input
        guard let byteCount = binaryByteCount else {
            guard offset == content.count else { throw .excessBytes(content.count - offset) }
            guard case .read(let values) = data else { throw .noData(input: name) }
            return values.pictures(extents)
        }
        if case .read = data { throw .doubleData(input: name) }
        let available = content.count - offset
        guard byteCount <= available else { throw .missingBytes(expected: byteCount, available: available) }
        guard byteCount == available else { throw .excessBytes(available - byteCount) }
        return try BinaryTensor(extents: extents, elementCount: count)
            .pictures(datatype, in: content[offset...])
    }
}
