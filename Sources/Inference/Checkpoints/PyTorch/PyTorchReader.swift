import Files

/// Reads the zip format of `torch.save`: `data.pkl` describes the tensors, and `data/0`, `data/1` … are their storages.
///
/// - Source: PyTorch's `torch/serialization.py` and `caffe2/serialize/inline_container.h`
struct PyTorchReader {
    private var archive: ZipArchive
    /// The folder of all records, with a slash at the end; PyTorch names it after the file.
    private let folder: String
    private var storages: [String: ByteRegion] = [:]

    /// The format versions that PyTorch's reader accepts.
    private static let versions = 1...10

    /// The tensors of an archive in memory.
    static func read(_ archive: ZipArchive, budget: ReadingBudget) throws(CheckpointError) -> CheckpointContents {
        var reader = try PyTorchReader(archive)
        let (root, heap) = try PickleMachine.run(try reader.bytes(of: "data.pkl"), budget: budget)
        return try StateDictionary(root: root, heap: heap).contents(budget: budget) {
            storage, scalarType throws(CheckpointError) in
            try reader.storage(storage, scalarType)
        }
    }

    private init(_ archive: ZipArchive) throws(CheckpointError) {
        self.archive = archive
        let pickles = archive.records.map(\.name).filter { $0 == "data.pkl" || $0.hasSuffix("/data.pkl") }
        guard let pickle = pickles.first else { throw .missingRecord(record: "data.pkl") }
        guard pickles.count == 1 else { throw .severalPickles(found: pickles) }
        folder = String(pickle.dropLast("data.pkl".count))
        try checkByteOrder()
        try checkVersion()
    }

    private mutating func checkByteOrder() throws(CheckpointError) {
        guard let record = archive[folder + "byteorder"] else { return }
        let order = try archive.bytes(of: record).text ?? "not text"
        guard order == "little" else { throw .unsupportedByteOrder(found: order) }
    }

    private mutating func checkVersion() throws(CheckpointError) {
        guard let record = archive[folder + "version"] ?? archive[folder + ".data/version"] else { return }
        let text = try archive.bytes(of: record).text ?? "not text"
        guard let version = Int(text.filter { !$0.isWhitespace }), Self.versions.contains(version) else {
            throw .unsupportedVersion(found: text)
        }
    }

    private mutating func bytes(of name: String) throws(CheckpointError) -> ByteRegion {
        guard let record = archive[folder + name] else { throw .missingRecord(record: folder + name) }
        return try archive.bytes(of: record)
    }

    /// The bytes of a storage; their number must match the pickle.
    private mutating func storage(
        _ storage: PickledStorage, _ scalarType: ScalarType
    ) throws(CheckpointError) -> ByteRegion {
        let bytes: ByteRegion
        if let known = storages[storage.key] {
            bytes = known
        } else {
            bytes = try self.bytes(of: "data/" + storage.key)
            storages[storage.key] = bytes
        }
        guard bytes.count / scalarType.byteCount == storage.elementCount else {
            let expected = storage.elementCount.multipliedReportingOverflow(by: scalarType.byteCount)
            throw .storageSizeMismatch(
                record: folder + "data/" + storage.key, found: bytes.count,
                expected: expected.overflow ? .max : expected.partialValue)
        }
        return bytes
    }
}
