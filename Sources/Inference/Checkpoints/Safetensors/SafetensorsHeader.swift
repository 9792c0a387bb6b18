import Files

/// The JSON header of a safetensors file.
struct SafetensorsHeader {
    /// One tensor, as the header describes it: nothing here is checked against the data yet.
    struct Entry: Equatable {
        let name: String
        let scalarName: String
        let extents: [Int]
        /// Where the data begin and end. Units: bytes from the header's end.
        let start: Int
        let end: Int
    }

    /// In the header's order.
    private(set) var entries: [Entry] = []
    /// The `__metadata__`: text for people, such as `{"format": "pt"}`.
    private(set) var metadata: [String: String] = [:]

    /// No checkpoint comes near this; it bounds what a header of the greatest length can ask for.
    static let maxTensorCount = 1 << 18

    /// What is kept of a name and its description beside its bytes. Units: bytes.
    private static let entryByteCount = 256

    /// The types that weights may have.
    static let scalarTypes: [String: ScalarType] = [
        "F16": .float16, "BF16": .bfloat16, "F32": .float32, "F64": .float64,
    ]

    /// Every type of the format, and the bits of one element.
    static let bitCounts = [
        "BOOL": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8,
        "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32,
        "F32": 32,
        "C64": 64, "F64": 64, "I64": 64, "U64": 64,
    ]

    /// - Throws: ``CheckpointError`` when the text is not strictly a header: other keys, repeated keys and other kinds of
    ///   values are refused, and only spaces may follow.
    ///
    /// - Parameter budget: pays for the text's copies and for what is made of it.
    init(_ text: ByteRegion, budget: ReadingBudget) throws(CheckpointError) {
        // The cursor's own bytes, and a string that is looked at once.
        try budget.charge(2 * text.count, for: "the safetensors header")
        var json = try JSONCursor<CheckpointError>(text)
        var names = Set<String>()
        try json.readObject { (json, name, offset) throws(CheckpointError) in
            guard names.insert(name).inserted else { throw .duplicateKey(key: name, offset: offset) }
            guard names.count <= Self.maxTensorCount else {
                throw .limitExceeded(what: "tensors", found: names.count, limit: Self.maxTensorCount)
            }
            try budget.charge(Self.entryByteCount + 2 * name.utf8.count, for: "the safetensors header")
            if name == "__metadata__" {
                metadata = try Self.metadata(&json, budget)
            } else {
                try entries.reserve(1, from: budget, for: "the safetensors header")
                entries.append(try Self.entry(name, &json))
            }
        }
        try json.finish(expecting: "the end of the header")
    }

    private static func metadata(
        _ json: inout JSONCursor<CheckpointError>, _ budget: ReadingBudget
    ) throws(CheckpointError) -> [String: String] {
        var metadata: [String: String] = [:]
        try json.readObject { (json, key, offset) throws(CheckpointError) in
            let value = try json.readString()
            try budget.charge(
                Self.entryByteCount + key.utf8.count + value.utf8.count, for: "the safetensors header's metadata")
            guard metadata.updateValue(value, forKey: key) == nil else {
                throw .duplicateKey(key: key, offset: offset)
            }
        }
        return metadata
    }

    private static func entry(_ name: String, _ json: inout JSONCursor<CheckpointError>) throws(CheckpointError)
        -> Entry
    {
        let start = json.offset
        var scalarName: String?
        var extents: [Int]?
        var offsets: [Int]?
        try json.readObject { (json, key, offset) throws(CheckpointError) in
            switch key {
            case "dtype" where scalarName == nil: scalarName = try json.readString()
            case "shape" where extents == nil: extents = try json.readNumbers(maxCount: StoredTensor.maxRank)
            case "data_offsets" where offsets == nil: offsets = try json.readNumbers(maxCount: 2)
            case "dtype", "shape", "data_offsets": throw .duplicateKey(key: key, offset: offset)
            default:
                throw .invalidHeader(
                    offset: offset, found: "key \"\(key.prefix(40))\"", expected: "dtype, shape or data_offsets")
            }
        }
        guard let scalarName, let extents, let offsets, offsets.count == 2 else {
            throw .invalidHeader(
                offset: start, found: "an incomplete description of a tensor",
                expected: "dtype, shape and two data_offsets")
        }
        return Entry(name: name, scalarName: scalarName, extents: extents, start: offsets[0], end: offsets[1])
    }
}
