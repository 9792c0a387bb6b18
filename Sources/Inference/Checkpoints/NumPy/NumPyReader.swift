/// Reads what `numpy.savez` and `numpy.savez_compressed` write: a zip archive of one `.npy` file a tensor. No pickle is ever
/// looked at: an array of objects is refused.
///
/// - Source: NumPy's `numpy/lib/format.py`
enum NumPyReader {
    private static let suffix = ".npy"

    /// Types that weights do not have, but that may lie beside them, and the bytes of one element.
    private static let otherTypes = [
        "|b1": 1, "|i1": 1, "|u1": 1, "<i2": 2, "<u2": 2, "<i4": 4, "<u4": 4, "<i8": 8, "<u8": 8, "<c8": 8, "<c16": 16,
    ]
    private static let scalarTypes: [String: ScalarType] = ["<f2": .float16, "<f4": .float32, "<f8": .float64]

    /// Whether an archive holds arrays and nothing else.
    static func holdsArrays(_ archive: ZipArchive) -> Bool {
        !archive.records.isEmpty && archive.records.allSatisfy { $0.name.hasSuffix(suffix) }
    }

    /// The tensors of an archive that lies in memory, in its directory's order.
    static func read(_ archive: ZipArchive, fileByteCount: Int) throws(CheckpointError) -> CheckpointContents {
        var archive = archive
        var contents = CheckpointContents(fileByteCount: fileByteCount)
        for record in archive.records {
            try add(record.name, try archive.bytes(of: record), to: &contents)
        }
        return contents
    }

    private static func add(
        _ record: String, _ bytes: ByteRegion, to contents: inout CheckpointContents
    ) throws(CheckpointError) {
        let name = String(record.dropLast(suffix.count))
        var cursor = ByteCursor(bytes, what: "the array \(record.prefix(100))")
        let header = try ArrayHeader(&cursor, record: record)
        let data = try cursor.region(byteCount: cursor.remainingByteCount)

        let scalarType = scalarTypes[header.typeName]
        guard let elementByteCount = scalarType?.byteCount ?? otherTypes[header.typeName] else {
            throw .unsupportedScalarType(name: name, found: header.typeName)
        }
        let extents = header.extents
        guard let elementCount = Shape(extents.map { max($0, 1) }).checkedElementCount else {
            throw .invalidLayout(name: name, found: "sizes \(extents)", expected: "a product of at most 63 bits")
        }
        let (byteCount, overflow) = (extents.contains(0) ? 0 : elementCount)
            .multipliedReportingOverflow(by: elementByteCount)
        guard !overflow, byteCount == data.count else {
            throw .byteCountMismatch(name: name, found: data.count, expected: overflow ? .max : byteCount)
        }
        guard let scalarType else { return contents.skip(name, scalarName: header.typeName) }
        let sizes = extents.map { max($0, 1) }
        let strides =
            header.isColumnMajor
            ? Array(Shape(sizes.reversed()).contiguousStrides.reversed()) : Shape(sizes).contiguousStrides
        let tensor = try StoredTensor(
            name: name, scalarType: scalarType, extents: extents, strides: strides, storageOffset: 0, storage: data)
        try contents.append(tensor, name: name)
    }
}
