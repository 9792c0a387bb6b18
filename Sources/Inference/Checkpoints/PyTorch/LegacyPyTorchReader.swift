import Files

/// Reads the legacy format of `torch.save`: a sequence of pickles followed by the storages.
///
/// PyTorch before 1.6 writes it, and later versions with `_use_new_zipfile_serialization=False`.
///
///     magic number | protocol version | system info | the object | storage keys |
///     for each key: element count (8 bytes), elements
///
/// - Source: `_legacy_save` and `_legacy_load` of PyTorch's `torch/serialization.py`
struct LegacyPyTorchReader {
    private let file: ByteRegion
    private var offset: Int
    private let budget: ReadingBudget

    /// The pickle of the magic number 0x1950a86a20f9469cfc6c: the opcode LONG1, its length and its bytes.
    private static let magic: [UInt8] = [0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]
    private static let protocolVersion = 1001
    /// The longest of the pickles before the object, which have a few dozen bytes. Units: bytes.
    private static let maxPreludeByteCount = 1 << 12

    /// Whether a file starts with the magic number, pickled in any protocol.
    static func recognizes(_ file: ByteRegion) -> Bool { magicByteCount(file) != nil }

    private static func magicByteCount(_ file: ByteRegion) -> Int? {
        let start = file.withUnsafeBytes { Array($0.prefix(40)) }
        let candidates = [
            Array("L119547037146038801333356L\n.".utf8),  // protocols 0 and 1
            Array(start.prefix(2)) + magic + [0x2E],
            Array(start.prefix(2)) + [0x95, UInt8(magic.count + 1), 0, 0, 0, 0, 0, 0, 0] + magic + [0x2E],
        ]
        for (index, candidate) in candidates.enumerated() where start.starts(with: candidate) {
            guard index == 0 || start[0] == 0x80 && 2...5 ~= start[1] else { return nil }
            return candidate.count
        }
        return nil
    }

    /// The tensors of a file in memory, in the order of the state dictionary.
    static func read(_ file: ByteRegion, budget: ReadingBudget) throws(CheckpointError) -> CheckpointContents {
        var reader = LegacyPyTorchReader(file: file, offset: magicByteCount(file) ?? 0, budget: budget)
        try reader.checkVersion()
        try reader.checkByteOrder()
        let (root, heap) = try reader.pickle()
        let state = try StateDictionary(root: root, heap: heap)
        let storages = try reader.storages(heap)
        return try state.contents(budget: budget) { storage, scalarType throws(CheckpointError) in
            try Self.checked(storages[storage.key], storage, scalarType.byteCount)
        }
    }

    /// Runs the next pickle. A pickle that contains arrays may be nearly as long as the file.
    private mutating func pickle(maxByteCount: Int = .max) throws(CheckpointError) -> (
        root: PickleValue, heap: PickleHeap
    ) {
        let rest = file.count - offset
        guard let region = file.part(from: offset, count: min(rest, maxByteCount)) else {
            throw .truncated(what: "the checkpoint", offset: offset, needed: 1, available: rest)
        }
        do throws(CheckpointError) {
            let (root, heap, end) = try PickleMachine.runStart(of: region, budget: budget)
            offset += end
            return (root, heap)
        } catch {
            if case .truncated = error, rest > maxByteCount {
                throw .limitExceeded(what: "bytes of pickle", found: rest, limit: maxByteCount)
            }
            throw error
        }
    }

    private mutating func checkVersion() throws(CheckpointError) {
        let start = offset
        let (root, heap) = try pickle(maxByteCount: Self.maxPreludeByteCount)
        guard case .integer(Self.protocolVersion) = root else {
            var found = heap.kind(root)
            if case .integer(let version) = root { found = "the version \(version)" }
            throw .invalidPickle(offset: start, found: found, expected: "the version \(Self.protocolVersion)")
        }
    }

    private mutating func checkByteOrder() throws(CheckpointError) {
        let start = offset
        let (root, heap) = try pickle(maxByteCount: Self.maxPreludeByteCount)
        guard case .dictionary(let system) = root else {
            throw .invalidPickle(offset: start, found: heap.kind(root), expected: "a dictionary of system info")
        }
        for entry in heap.dictionaries[system] where heap.text(entry.key) == "little_endian" {
            guard case .boolean(true) = entry.value else { throw .unsupportedByteOrder(found: "big") }
        }
    }

    /// The bytes of every storage, by key. The storages are contiguous and end at the end of the file.
    private mutating func storages(_ heap: PickleHeap) throws(CheckpointError) -> [String: ByteRegion] {
        let start = offset
        let (root, keyHeap) = try pickle()
        guard case .list(let list) = root else {
            throw .invalidPickle(offset: start, found: keyHeap.kind(root), expected: "a list of storages")
        }
        var byteCounts: [String: Int] = [:]
        for storage in heap.storages where byteCounts[storage.key] == nil {
            try budget.charge(128, for: "the storages' keys")
            byteCounts[storage.key] = StorageElement.byteCount(of: storage.scalarName)
        }
        var cursor = ByteCursor(file, what: "the checkpoint")
        _ = try cursor.region(byteCount: offset)
        var storages: [String: ByteRegion] = [:]
        for value in keyHeap.lists[list] {
            guard let key = keyHeap.text(value), let elementByteCount = byteCounts[key], storages[key] == nil else {
                throw .invalidPickle(
                    offset: start, found: keyHeap.text(value).map { "the key \($0.prefix(40))" } ?? keyHeap.kind(value),
                    expected: "the key of a tensor's storage, each once")
            }
            let count = try cursor.number(Int64.self)
            guard 0...Int64(cursor.remainingByteCount / elementByteCount) ~= count else {
                throw .invalidPickle(
                    offset: cursor.offset - 8, found: "a storage of \(count) elements",
                    expected: "at most the \(cursor.remainingByteCount / elementByteCount) that follow")
            }
            try budget.charge(128, for: "the storages' keys")
            storages[key] = try cursor.region(byteCount: Int(count) * elementByteCount)
        }
        guard cursor.remainingByteCount == 0 else {
            throw .trailingBytes(offset: cursor.offset, byteCount: cursor.remainingByteCount)
        }
        return storages
    }

    private static func checked(
        _ bytes: ByteRegion?, _ storage: PickledStorage, _ elementByteCount: Int
    ) throws(CheckpointError) -> ByteRegion {
        let (expected, overflow) = storage.elementCount.multipliedReportingOverflow(by: elementByteCount)
        guard let bytes, !overflow, bytes.count == expected else {
            throw .storageSizeMismatch(
                record: storage.key, found: bytes?.count ?? 0, expected: overflow ? .max : expected)
        }
        return bytes
    }
}

/// Element sizes of PyTorch's storages, including types that weights do not have.
enum StorageElement {
    private static let byteCounts = [
        "float32": 4, "float64": 8, "float16": 2, "bfloat16": 2, "int64": 8, "int32": 4, "int16": 2, "int8": 1,
        "uint8": 1,
        "bool": 1, "complex64": 8, "complex128": 16, "qint8": 1, "quint8": 1, "qint32": 4, "quint4x2": 1, "quint2x4": 1,
    ]

    /// The size of one element. It is 1 for untyped storages, whose lengths are in bytes. Units: bytes.
    static func byteCount(of scalarName: String) -> Int { byteCounts[scalarName] ?? 1 }
}
