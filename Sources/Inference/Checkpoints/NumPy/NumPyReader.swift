import Files

/// Reads what `numpy.savez` and `numpy.savez_compressed` write: a zip archive of one `.npy` file a tensor. No pickle is ever
/// looked at: an array of objects is refused.
///
/// - Source: NumPy's `numpy/lib/format.py`
enum NumPyReader {
    private static let suffix = ".npy"

    /// Whether an archive holds arrays and nothing else.
    static func holdsArrays(_ archive: ZipArchive) -> Bool {
        !archive.records.isEmpty && archive.records.allSatisfy { $0.name.hasSuffix(suffix) }
    }

    /// The tensors of an archive that lies in memory, in its directory's order.
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
    /// Takes an array in, or notes it where its numbers are no weights.
    mutating func append(_ array: NumPyArray, name: String) throws(CheckpointError) {
        if let tensor = try array.tensor(name: name) {
            try append(tensor, name: name)
        } else {
            try skip(name, scalarName: array.typeName)
        }
    }
}
