import Files
import Inference

/// The input of a request: its name, datatype, shape and values.
///
/// - Source: Open Inference Protocol V2, "Request Input"
struct InputTensor {
    /// Where the values are.
    private enum Data {
        case none
        /// Parsed from the JSON.
        case parsed(TensorValues)
        /// Skipped, since datatype and shape were not known yet; it begins at this byte of the JSON.
        case skipped(offset: Int)
    }

    let signature: ModelSignature
    private var name: String?
    private var datatype: TensorDatatype?
    private var extents: [Int]?
    private var data = Data.none
    /// The parameter `binary_data_size`: how many bytes after the JSON hold the values.
    private(set) var binaryByteCount: Int?

    /// More axes than any input has; a longer shape is refused while it is parsed.
    private static let maxRank = 8

    /// Parses the array `inputs`, which must have one item.
    static func parse(
        _ json: inout JSONCursor<V2Error>, signature: ModelSignature
    ) throws(V2Error) -> InputTensor? {
        var input: InputTensor?
        try json.readArray { (json) throws(V2Error) in
            guard input == nil else { throw try second(&json, signature: signature) }
            input = try InputTensor(&json, signature: signature)
        }
        return input
    }

    /// The error of a second input.
    private static func second(
        _ json: inout JSONCursor<V2Error>, signature: ModelSignature
    ) throws(V2Error) -> V2Error {
        let other = try InputTensor(&json, signature: signature, readsData: false)
        return .repeatedInput(other.name ?? signature.names.input)
    }

    private init(
        _ json: inout JSONCursor<V2Error>, signature: ModelSignature, readsData: Bool = true
    ) throws(V2Error) {
        self.signature = signature
        var seen = DuplicateKeyCheck()
        try json.readObject { (json, key, _) throws(V2Error) in
            switch key {
            case "name":
                try seen.insert(key)
                let name = try json.readString()
                guard name == signature.names.input else {
                    throw .inputName(found: String(name.prefix(80)), expected: signature.names.input)
                }
                self.name = name
            case "datatype":
                try seen.insert(key)
                let name = try json.readString()
                guard let datatype = TensorDatatype(rawValue: name) else {
                    throw .datatype(found: String(name.prefix(80)), signature.shapeRule)
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
        if case .skipped(let offset) = data, readsData {
            let end = json.offset
            json.offset = offset
            data = .parsed(try values(&json))
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
            data = .parsed(try values(&json))
        } else {
            data = .skipped(offset: json.offset)
            try json.skipValue()
        }
    }

    private func values(_ json: inout JSONCursor<V2Error>) throws(V2Error) -> TensorValues {
        let (datatype, extents, count) = try form()
        return try TensorValues(&json, datatype, extents, count: count)
    }

    /// Datatype and shape, checked before memory is allocated for the values.
    private func form() throws(V2Error) -> (datatype: TensorDatatype, extents: [Int], elementCount: Int) {
        guard let datatype else { throw .incompleteInput(member: "datatype") }
        guard let extents else { throw .incompleteInput(member: "shape") }
        let count = try signature.shapeRule.elementCount(
            datatype, extents, limit: signature.limit, pixels: signature.pixelLimit)
        return (datatype, extents, count)
    }

    /// The images, from the JSON or from the bytes that follow it.
    ///
    /// - Parameter offset: where the JSON ends. Units: bytes.
    /// - Throws: ``V2Error`` if bytes are missing, left over, or do not fit the shape.
    func images(behind offset: Int, in content: [UInt8]) throws(V2Error) -> [ImageInput] {
        let (datatype, extents, count) = try form()
        let name = signature.names.input
        guard let byteCount = binaryByteCount else {
            guard offset == content.count else { throw .excessBytes(content.count - offset) }
            guard case .parsed(let values) = data else { throw .noData(input: name) }
            return values.images(extents)
        }
        if case .parsed = data { throw .doubleData(input: name) }
        let available = content.count - offset
        guard byteCount <= available else { throw .missingBytes(expected: byteCount, available: available) }
        guard byteCount == available else { throw .excessBytes(available - byteCount) }
        return try BinaryTensor(extents: extents, elementCount: count)
            .images(datatype, in: content[offset...])
    }
}

/// The supported datatypes.
///
/// - Source: Open Inference Protocol V2, "Tensor Data Types"
enum TensorDatatype: String, Sendable {
    /// The network's input, normalised by the client. Shape: `[N, C, H, W]`.
    case float32 = "FP32"
    /// Pixels, which go through the model's own preprocessing. Shape: `[N, H, W, 3]` or `[N, H, W, 1]`.
    case uint8 = "UINT8"
    /// Encoded images, which are decoded and preprocessed. Shape: `[N]` or `[N, 1]`.
    case bytes = "BYTES"
}

/// The values of a tensor in JSON.
enum TensorValues: Sendable {
    case floats([Float])
    case bytes([UInt8])
    case encoded([[UInt8]])

    /// Parses the values in one pass, straight into their array.
    ///
    /// - Parameter count: the number of values that the shape announces. No more memory is reserved than the text can
    ///   fill.
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

    /// One image for each index of the first axis.
    ///
    /// - Parameter extents: the shape that the values were parsed with.
    func images(_ extents: [Int]) -> [ImageInput] {
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
