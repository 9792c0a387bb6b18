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

    let contract: ModelSignature
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
        _ json: inout JSONCursor<V2Error>, contract: ModelSignature
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
        _ json: inout JSONCursor<V2Error>, contract: ModelSignature
    ) throws(V2Error) -> V2Error {
        let other = try InputTensor(&json, contract: contract, readsData: false)
        return .repeatedInput(other.name ?? contract.names.input)
    }

    private init(
        _ json: inout JSONCursor<V2Error>, contract: ModelSignature, readsData: Bool = true
    ) throws(V2Error) {
        self.contract = contract
        var seen = DuplicateKeyCheck()
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
        var seen = DuplicateKeyCheck()
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

    /// The images, from the JSON or from the bytes behind it.
    ///
    /// - Throws: ``V2Error`` where bytes are missing, left over, or no tensor of this shape.
    func images(behind offset: Int, in content: [UInt8]) throws(V2Error) -> [PictureInput] {
        let (datatype, extents, count) = try form()
        let name = contract.names.input
        guard let byteCount = binaryByteCount else {
            guard offset == content.count else { throw .excessBytes(content.count - offset) }
            guard case .read(let values) = data else { throw .noData(input: name) }
            return values.images(extents)
        }
        if case .read = data { throw .doubleData(input: name) }
        let available = content.count - offset
        guard byteCount <= available else { throw .missingBytes(expected: byteCount, available: available) }
        guard byteCount == available else { throw .excessBytes(available - byteCount) }
        return try BinaryTensor(extents: extents, elementCount: count)
            .images(datatype, in: content[offset...])
    }
}

/// The datatypes that a tensor may have here.
///
/// - Source: Open Inference Protocol V2, "Tensor Data Types"
enum TensorDatatype: String, Sendable {
    /// The network's input, normalised by the client. Shape: `[N, C, H, W]`.
    case float32 = "FP32"
    /// Pixels, of which the model's preprocessing makes its input. Shape: `[N, H, W, 3]` or `[N, H, W, 1]`.
    case uint8 = "UINT8"
    /// Encoded images. Shape: `[N]` or `[N, 1]`.
    case bytes = "BYTES"
}

/// The values of a tensor that stood in JSON.
enum TensorValues: Sendable {
    case floats([Float])
    case bytes([UInt8])
    case encoded([[UInt8]])

    /// Reads them in one pass, straight into their place.
    ///
    /// - Parameter count: what the shape says; no more is ever taken in, and no more memory set aside than the text could fill.
    init(
        _ json: inout JSONCursor<V2Error>, _ datatype: TensorDatatype, _ extents: [Int], count: Int
    ) throws(V2Error) {
        switch datatype {
        case .float32:
            var values: [Float] = []
            values.reserveCapacity(min(count, json.remaining / 2 + 1))
            try json.readTensor(extents) { (json) throws(V2Error) in values.append(try json.readFloat()) }
            self = .floats(values)
        case .uint8:
            var values: [UInt8] = []
            values.reserveCapacity(min(count, json.remaining / 2 + 1))
            try json.readTensor(extents) { (json) throws(V2Error) in values.append(try json.readByte()) }
            self = .bytes(values)
        case .bytes:
            var values: [[UInt8]] = []
            try json.readTensor(extents) { (json) throws(V2Error) in
                guard let image = try json.readBase64() else {
                    throw .upload(.notBase64(index: values.count))
                }
                values.append(image)
            }
            self = .encoded(values)
        }
    }

    /// One image a step of the first axis.
    ///
    /// - Parameter extents: the shape that the values were read with.
    func images(_ extents: [Int]) -> [PictureInput] {
        switch self {
        case .encoded(let files): return files.map { .encoded($0[...]) }
        case .floats(let values):
            return values.withUnsafeBytes { BinaryTensor.tensors(in: $0, extents: extents) }
        case .bytes(let values):
            return BinaryTensor.split(values.count, by: extents[0]).map { range in
                .pixels(
                    PixelImage(
                        width: extents[2], height: extents[1], channelCount: extents[3], pixels: Array(values[range])))
            }
        }
    }
}
