import Files

/// Reads safetensors: the header's length in eight bytes, a JSON header, then the tensors' bytes without gaps.
///
/// - Source: the safetensors format description. The checks are those of its reference implementation; unknown and
///   repeated keys are refused as well.
enum SafetensorsReader {
    /// The longest header, as in the reference implementation. Units: bytes.
    static let maxHeaderByteCount = 100_000_000

    /// The tensors of a file in memory, in the order of their data.
    static func read(_ file: ByteRegion, budget: ReadingBudget) throws(CheckpointError) -> CheckpointContents {
        var contents = CheckpointContents(budget: budget)
        try read(file, to: &contents)
        return contents
    }

    /// Adds the tensors of a file to `contents`.
    ///
    /// - Returns: their names as written in the file.
    @discardableResult
    static func read(_ file: ByteRegion, to contents: inout CheckpointContents) throws(CheckpointError) -> [String] {
        var cursor = ByteCursor(file, what: "the safetensors file")
        let headerByteCount = try cursor.number(UInt64.self)
        guard headerByteCount <= UInt64(maxHeaderByteCount) else {
            throw .headerTooLong(found: headerByteCount, limit: maxHeaderByteCount)
        }
        let header = try SafetensorsHeader(
            try cursor.region(byteCount: Int(headerByteCount)), budget: contents.budget)
        let dataOffset = cursor.offset
        let data = try cursor.region(byteCount: cursor.remainingByteCount)

        contents.metadata.merge(header.metadata) { first, _ in first }
        // A stable sort: empty tensors share an offset and keep the header's order.
        let entries = header.entries.enumerated()
            .sorted { ($0.element.start, $0.element.end, $0.offset) < ($1.element.start, $1.element.end, $1.offset) }
            .map(\.element)
        var quantized = QuantizedTensors(names: entries.map { ($0.name, $0.scalarName) })
        var end = 0
        for entry in entries {
            guard entry.end >= entry.start else {
                throw .invalidLayout(
                    name: entry.name, found: "data_offsets [\(entry.start), \(entry.end)]",
                    expected: "an end that is not before the start")
            }
            guard entry.start == end else {
                throw .misplacedData(name: entry.name, found: entry.start, expected: end)
            }
            end = entry.end
            guard let storage = data.part(from: entry.start, count: entry.end - entry.start) else {
                throw .truncated(
                    what: "the data of tensor \(entry.name.prefix(100))", offset: dataOffset + entry.start,
                    needed: entry.end - entry.start, available: max(0, data.count - entry.start))
            }
            try add(entry, storage, to: &contents, &quantized)
        }
        try quantized.restore(to: &contents)
        guard end == data.count else {
            throw .trailingBytes(offset: dataOffset + end, byteCount: data.count - end)
        }
        return entries.map(\.name)
    }

    private static func add(
        _ entry: SafetensorsHeader.Entry, _ storage: ByteRegion, to contents: inout CheckpointContents,
        _ quantized: inout QuantizedTensors
    ) throws(CheckpointError) {
        guard let bitCount = SafetensorsHeader.bitCounts[entry.scalarName] else {
            throw .unsupportedScalarType(name: entry.name, found: entry.scalarName)
        }
        guard let elementCount = Shape(entry.extents.map { max($0, 1) }).checkedElementCount else {
            throw .invalidLayout(
                name: entry.name, found: "sizes \(entry.extents)", expected: "a product of at most 63 bits")
        }
        let (bits, overflow) = (entry.extents.contains(0) ? 0 : elementCount).multipliedReportingOverflow(by: bitCount)
        guard !overflow, bits.isMultiple(of: 8), bits / 8 == storage.count else {
            throw .byteCountMismatch(name: entry.name, found: storage.count, expected: overflow ? .max : (bits + 7) / 8)
        }
        if quantized.take(entry, storage) { return }
        guard let scalarType = SafetensorsHeader.scalarTypes[entry.scalarName] else {
            return try contents.skip(entry.name, scalarName: entry.scalarName)
        }
        let tensor = try StoredTensor(
            name: entry.name, scalarType: scalarType, extents: entry.extents,
            strides: Shape(entry.extents.map { max($0, 1) }).contiguousStrides, storageOffset: 0, storage: storage)
        try contents.append(tensor, name: entry.name)
    }
}

/// The JSON header of a safetensors file.
struct SafetensorsHeader {
    /// One tensor as described by the header, not yet checked against the data.
    struct Entry: Equatable {
        let name: String
        let scalarName: String
        let extents: [Int]
        /// Start of the data, counted from the end of the header. Units: bytes.
        let start: Int
        /// End of the data, counted from the end of the header. Units: bytes.
        let end: Int
    }

    /// The tensors in the header's order.
    private(set) var entries: [Entry] = []
    /// The `__metadata__`: strings for users, such as `{"format": "pt"}`.
    private(set) var metadata: [String: String] = [:]

    /// The most tensors, far above any checkpoint. It limits the memory that a header of the greatest length can ask
    /// for.
    static let maxTensorCount = 1 << 18

    /// Memory for an entry beside its name. Units: bytes.
    private static let entryByteCount = 256

    /// The floating-point types, which are allowed for weights.
    static let scalarTypes: [String: ScalarType] = [
        "F16": .float16, "BF16": .bfloat16, "F32": .float32, "F64": .float64,
    ]

    /// All element types of the format and their sizes in bits.
    static let bitCounts = [
        "BOOL": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8,
        "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32,
        "F32": 32,
        "C64": 64, "F64": 64, "I64": 64, "U64": 64,
    ]

    /// Parses a header.
    ///
    /// - Parameter budget: charged for copies of the text and for the entries.
    /// - Throws: ``CheckpointError`` for anything else than a valid header: unknown or repeated keys, values of other
    ///   types, or anything but spaces after it.
    init(_ text: ByteRegion, budget: ReadingBudget) throws(CheckpointError) {
        // The cursor's copy of the text, and at most one string of its length.
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
