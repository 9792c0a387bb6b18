import Files

/// Reads the output of `numpy.savez` and `numpy.savez_compressed`: a zip archive with one `.npy` file per tensor.
///
/// Pickles are never read: arrays of objects are refused.
///
/// - Source: NumPy's `numpy/lib/format.py`
enum NumPyReader {
    private static let suffix = ".npy"

    /// Whether every record of an archive is an array.
    static func holdsArrays(_ archive: ZipArchive) -> Bool {
        !archive.records.isEmpty && archive.records.allSatisfy { $0.name.hasSuffix(suffix) }
    }

    /// The tensors of an archive in memory, in the order of its central directory.
    static func read(_ archive: ZipArchive, budget: ReadingBudget) throws(CheckpointError) -> CheckpointContents {
        var archive = archive
        var contents = CheckpointContents(budget: budget)
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

        let array = NumPyArray(
            typeName: header.typeName, extents: header.extents, isColumnMajor: header.isColumnMajor, data: data)
        try contents.append(array, name: name)
    }
}

extension CheckpointContents {
    /// Adds an array, or records it as skipped if it is not floating point.
    mutating func append(_ array: NumPyArray, name: String) throws(CheckpointError) {
        if let tensor = try array.tensor(name: name) {
            try append(tensor, name: name)
        } else {
            try skip(name, scalarName: array.typeName)
        }
    }
}

/// A NumPy array as described by its file: type, shape, order and bytes, not yet checked against each other.
struct NumPyArray {
    /// NumPy's type string, such as `<f4`.
    let typeName: String
    let extents: [Int]
    /// Whether the array is column-major (Fortran order: first axis fastest).
    let isColumnMajor: Bool
    let data: ByteRegion

    /// Types other than floating point that may occur beside weights, and their element sizes. Units: bytes.
    private static let otherTypes = [
        "|b1": 1, "|i1": 1, "|u1": 1, "<i2": 2, "<u2": 2, "<i4": 4, "<u4": 4, "<i8": 8, "<u8": 8, "<c8": 8, "<c16": 16,
    ]
    private static let scalarTypes: [String: ScalarType] = ["<f2": .float16, "<f4": .float32, "<f8": .float64]

    /// Whether elements are single numbers.
    var holdsNumbers: Bool { Self.scalarTypes[typeName] != nil || Self.otherTypes[typeName] != nil }

    /// The array as a tensor; nil where it is not floating point.
    ///
    /// - Throws: ``CheckpointError`` when the number of bytes does not match shape and type, or the type is not
    ///   numeric.
    func tensor(name: String) throws(CheckpointError) -> StoredTensor? {
        let scalarType = Self.scalarTypes[typeName]
        guard let elementByteCount = scalarType?.byteCount ?? Self.otherTypes[typeName] else {
            throw .unsupportedScalarType(name: name, found: typeName)
        }
        guard extents.allSatisfy({ $0 >= 0 }) else {
            throw .invalidLayout(name: name, found: "sizes \(extents)", expected: "no negative number")
        }
        let sizes = extents.map { max($0, 1) }
        guard let elementCount = Shape(sizes).checkedElementCount else {
            throw .invalidLayout(
                name: name, found: "sizes \(extents)", expected: "a product of at most 63 bits")
        }
        let (byteCount, overflow) = (extents.contains(0) ? 0 : elementCount)
            .multipliedReportingOverflow(by: elementByteCount)
        guard !overflow, byteCount == data.count else {
            throw .byteCountMismatch(name: name, found: data.count, expected: overflow ? .max : byteCount)
        }
        guard let scalarType else { return nil }
        let strides =
            isColumnMajor
            ? Array(Shape(sizes.reversed()).contiguousStrides.reversed()) : Shape(sizes).contiguousStrides
        return try StoredTensor(
            name: name, scalarType: scalarType, extents: extents, strides: strides, storageOffset: 0, storage: data)
    }
}
