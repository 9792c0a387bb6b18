import Files

/// The index of a sharded checkpoint: which safetensors file holds which tensor.
///
///     {"metadata": {"total_size": 244000000}, "weight_map": {"conv1.weight": "model-00001-of-00002.safetensors", …}}
///
/// - Source: Hugging Face `transformers`, `save_pretrained` (`model.safetensors.index.json`)
struct ShardIndex {
    /// The tensors' names by the file name of their shard.
    private(set) var names: [String: Set<String>] = [:]

    /// The shards' file names, sorted.
    var files: [String] { names.keys.sorted() }

    /// The largest index; real ones have about a hundred bytes per tensor. Units: bytes.
    static let maxByteCount = 16 << 20
    /// The most shards, far above any supported network.
    static let maxShardCount = 256
    private static let maxDepth = 8
    private static let spaces: [UInt8] = [0x20, 0x09, 0x0A, 0x0D]

    /// The suffix of an index's file name.
    static let suffix = ".safetensors.index.json"

    /// Whether a file starts like a JSON object and contains `"weight_map"`. A safetensors file cannot: eight printable
    /// bytes as its header's length would exceed every limit.
    static func recognizes(_ file: ByteRegion) -> Bool {
        file.withUnsafeBytes { bytes in
            bytes.prefix(8).allSatisfy { 0x20..<0x7F ~= $0 || spaces.contains($0) }
                && bytes.first { !spaces.contains($0) } == UInt8(ascii: "{")
                && bytes.prefix(maxByteCount).contains("\"weight_map\"".utf8)
        }
    }

    /// Whether a file's name is that of a shard: `model-00001-of-00002.safetensors`.
    static func isShard(_ name: String) -> Bool {
        guard name.hasSuffix(".safetensors") else { return false }
        let parts = name.dropLast(".safetensors".count).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 3, parts[parts.count - 2] == "of" else { return false }
        return [parts[parts.count - 1], parts[parts.count - 3]].allSatisfy { part in
            part.utf8.count >= 5 && part.utf8.allSatisfy { 0x30...0x39 ~= $0 }
        }
    }

    /// Parses an index.
    ///
    /// - Parameter budget: charged for copies of the text and for the entries; nil gives the default budget for its
    ///   length.
    /// - Throws: ``CheckpointError/invalidIndex(offset:found:expected:)`` when the text is not an index,
    ///   ``CheckpointError/invalidShardName(name:)`` for a shard that is not in the same folder.
    init(_ text: ByteRegion, budget: ReadingBudget? = nil) throws(CheckpointError) {
        guard text.count <= Self.maxByteCount else {
            throw .limitExceeded(what: "bytes of shard index", found: text.count, limit: Self.maxByteCount)
        }
        do throws(CheckpointError) {
            try read(text, budget ?? ReadingBudget(fileByteCount: text.count))
        } catch {
            switch error {
            case .invalidHeader(let offset, let found, let expected):
                throw .invalidIndex(offset: offset, found: found, expected: expected)
            case .duplicateKey(let key, let offset):
                throw .invalidIndex(
                    offset: offset, found: "the key \"\(key.prefix(100))\" again", expected: "each key once")
            default: throw error
            }
        }
    }

    private mutating func read(_ text: ByteRegion, _ budget: ReadingBudget) throws(CheckpointError) {
        // The cursor's copy of the text, and at most one string of its length.
        try budget.charge(2 * text.count, for: "the shard index")
        var json = try JSONCursor<CheckpointError>(text)
        var map: [String: Set<String>]?
        try json.readObject { (json, key, offset) throws(CheckpointError) in
            guard key == "weight_map" else { return try json.skipValue(maxDepth: Self.maxDepth) }
            guard map == nil else { throw .duplicateKey(key: key, offset: offset) }
            map = try Self.weightMap(&json, budget)
        }
        try json.finish(expecting: "the end of the index")
        guard let map, !map.isEmpty else {
            throw .invalidIndex(offset: 0, found: "no tensors", expected: "a weight_map of names and their files")
        }
        names = map
    }

    /// Memory for an entry beside the tensor's and the file's name. Units: bytes.
    private static let entryByteCount = 256

    private static func weightMap(
        _ json: inout JSONCursor<CheckpointError>, _ budget: ReadingBudget
    ) throws(CheckpointError) -> [String: Set<String>] {
        var seen: Set<String> = []
        var map: [String: Set<String>] = [:]
        try json.readObject { (json, name, offset) throws(CheckpointError) in
            guard seen.insert(name).inserted else { throw .duplicateKey(key: name, offset: offset) }
            guard seen.count <= SafetensorsHeader.maxTensorCount else {
                throw .limitExceeded(what: "tensors", found: seen.count, limit: SafetensorsHeader.maxTensorCount)
            }
            let file = try json.readString()
            try budget.charge(
                Self.entryByteCount + name.utf8.count + file.utf8.count, for: "the shard index")
            // An untrusted index must not open files outside its folder.
            guard !file.isEmpty, !file.contains("/"), !file.contains("\0"), file != ".", file != ".." else {
                throw .invalidShardName(name: file)
            }
            map[file, default: []].insert(name)
            guard map.count <= maxShardCount else {
                throw .limitExceeded(what: "shards", found: map.count, limit: maxShardCount)
            }
        }
        return map
    }
}
