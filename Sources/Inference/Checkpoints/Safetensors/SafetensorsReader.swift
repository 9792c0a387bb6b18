import Files

/// Reads safetensors: eight bytes of length, a JSON header of that length, then the tensors' bytes without gaps.
///
/// - Source: the safetensors format description; the checks are those of its reference implementation, and unknown or
///   repeated keys are refused besides.
enum SafetensorsReader {
    /// As in the reference implementation.
    static let maxHeaderByteCount = 100_000_000

    /// The tensors of a file that lies in memory, in the order of their data.
    static func read(_ file: ByteRegion, budget: ReadingBudget) throws(CheckpointError) -> CheckpointContents {
        var contents = CheckpointContents(budget: budget)
        try read(file, to: &contents)
        return contents
    }

    /// Adds the tensors of a file to others.
    ///
    /// - Returns: their names as they stand in the file.
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
        // A sort that keeps the header's order among empty tensors, which lie at the same offset.
        let entries = header.entries.enumerated()
            .sorted { ($0.element.start, $0.element.end, $0.offset) < ($1.element.start, $1.element.end, $1.offset) }
            .map(\.element)
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
            try add(entry, storage, to: &contents)
        }
        guard end == data.count else {
            throw .trailingBytes(offset: dataOffset + end, byteCount: data.count - end)
        }
        return entries.map(\.name)
    }

    private static func add(
        _ entry: SafetensorsHeader.Entry, _ storage: ByteRegion, to contents: inout CheckpointContents
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
        guard let scalarType = SafetensorsHeader.scalarTypes[entry.scalarName] else {
            return try contents.skip(entry.name, scalarName: entry.scalarName)
        }
        let tensor = try StoredTensor(
            name: entry.name, scalarType: scalarType, extents: entry.extents,
            strides: Shape(entry.extents.map { max($0, 1) }).contiguousStrides, storageOffset: 0, storage: storage)
        try contents.append(tensor, name: entry.name)
    }
}
