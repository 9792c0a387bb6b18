import Files
import Threads

/// Reads a sharded checkpoint: several safetensors files in the same folder as their index.
enum ShardedReader {
    /// The tensors of all shards, in the order of the shards' file names, and each shard's bytes.
    ///
    /// - Throws: ``CheckpointError`` when the index is invalid, a shard cannot be read, or index and shards disagree.
    static func read(
        _ index: ByteRegion, path: String, maxByteCount: Int, workers: WorkerPool?
    ) throws(CheckpointError) -> (contents: CheckpointContents, shards: [AlignedBuffer]) {
        let budget = ReadingBudget(fileByteCount: index.count)
        let index = try ShardIndex(index, budget: budget)
        var shards: [(file: String, bytes: AlignedBuffer)] = []
        var remaining = maxByteCount
        for file in index.files {
            let bytes = try within(file) { () throws(CheckpointError) in
                try FileSnapshot.checkpoint(at: beside(path, file), maxByteCount: remaining, workers: workers)
            }
            remaining -= bytes.bytes.count
            budget.grow(fileByteCount: bytes.bytes.count)
            shards.append((file, bytes))
        }
        var contents = CheckpointContents(budget: budget)
        for (file, bytes) in shards {
            let found = try within(file) { () throws(CheckpointError) in
                try SafetensorsReader.read(ByteRegion(bytes), to: &contents)
            }
            let expected = index.names[file] ?? []
            if let name = found.first(where: { !expected.contains($0) }) {
                throw .unlistedTensor(name: name, shard: file)
            }
            if let name = expected.subtracting(found).min() { throw .missingFromShard(name: name, shard: file) }
        }
        return (contents, shards.map(\.bytes))
    }

    /// The paths of the shards of an index; empty where the file is not a valid index.
    ///
    /// - Throws: ``CheckpointError`` when the file cannot be read.
    static func paths(ofIndex path: String) throws(CheckpointError) -> [String] {
        let bytes = try FileSnapshot.checkpoint(at: path, maxByteCount: ShardIndex.maxByteCount)
        guard let index = try? ShardIndex(ByteRegion(bytes)) else { return [] }
        return index.files.map { beside(path, $0) }
    }

    private static func beside(_ path: String, _ file: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return file }
        return path[...slash] + file
    }

    /// Adds the shard's name to errors.
    private static func within<Result>(
        _ file: String, _ body: () throws(CheckpointError) -> Result
    ) throws(CheckpointError) -> Result {
        do throws(CheckpointError) {
            return try body()
        } catch {
            throw .shard(file: file, error)
        }
    }
}
