import Files

@testable import Inference

extension FuzzTarget {
    /// Files with weights.
    static let checkpointTargets = [
        FuzzTarget(
            name: "checkpoint", maxByteCount: 16384,
            seeds: [
                "InferenceTests/Fixtures/**/*.pth", "InferenceTests/Fixtures/**/*.pth.tar",
                "InferenceTests/Fixtures/**/*.ckpt",
            ],
            run: checkpoint),
        FuzzTarget(name: "pickle", maxByteCount: 4096, seeds: ["pickles"], run: pickle),
        FuzzTarget(
            name: "zip", maxByteCount: 8192,
            seeds: ["InferenceTests/Fixtures/**/*.npz", "InferenceTests/Fixtures/Checkpoints/*.pth"],
            run: zip),
        FuzzTarget(
            name: "safetensors", maxByteCount: 4096, seeds: ["InferenceTests/Fixtures/**/*.safetensors"],
            run: checkpoint),
        FuzzTarget(name: "npy", maxByteCount: 4096, seeds: ["InferenceTests/Fixtures/**/*.npy"], run: checkpoint),
        FuzzTarget(name: "shard-index", seeds: ["InferenceTests/Fixtures/Sharded/*.json"], run: shardIndex),
    ]

    /// Larger tensors are not read: that takes long and says nothing more. Units: elements.
    private static let largestTensor = 1 << 14

    private static func buffer(_ bytes: [UInt8]) -> AlignedBuffer {
        let buffer = AlignedBuffer(byteCount: bytes.count)
        buffer.bytes.copyBytes(from: bytes)
        return buffer
    }

    /// Every tensor of a file that is accepted can be read whole.
    private static func checkpoint(_ bytes: [UInt8]) {
        guard let checkpoint = try? Checkpoint(buffer(bytes), name: "fuzz.pth") else { return }
        read(checkpoint)
    }

    private static func read(_ checkpoint: Checkpoint) {
        for name in checkpoint.tensors.names {
            guard let stored = checkpoint.tensors[name] else { fatalError("\(name) is listed and missing") }
            let count = stored.shape.elementCount
            guard count <= largestTensor else { continue }
            require(stored.tensor().scalars.count == count, "a tensor has as many scalars as its shape says")
        }
    }

    /// A pickle alone: in a file of PyTorch's it stands behind checksums, which mutation does not get past.
    private static func pickle(_ bytes: [UInt8]) {
        let region = ByteRegion(buffer(bytes))
        guard let (root, heap) = try? PickleMachine.run(region, budget: ReadingBudget(fileByteCount: bytes.count))
        else { return }
        _ = heap.kind(root)
        guard let state = try? StateDictionary(root: root, heap: heap) else { return }
        // Storages of as many zeros as the pickle asks for, up to a page.
        let zeros = ByteRegion(buffer([UInt8](repeating: 0, count: 4096)))
        let contents = try? state.contents(budget: ReadingBudget(fileByteCount: 1 << 16)) {
            storage, scalarType throws(CheckpointError) in
            let count = storage.elementCount.multipliedReportingOverflow(by: scalarType.byteCount)
            guard !count.overflow, let part = zeros.part(from: 0, count: count.partialValue) else {
                throw .missingRecord(record: storage.key)
            }
            return part
        }
        guard let contents else { return }
        for name in contents.tensors.names {
            guard let stored = contents.tensors[name], stored.shape.elementCount <= largestTensor else { continue }
            _ = stored.tensor()
        }
    }

    /// Records lie within the file and do not overlap; what is inflated has the length that was announced.
    private static func zip(_ bytes: [UInt8]) {
        let region = ByteRegion(buffer(bytes))
        guard var archive = try? ZipArchive(region) else { return }
        for record in archive.records {
            require(record.data.range.upperBound <= bytes.count, "a record lies within the file")
            _ = try? archive.bytes(of: record)
        }
    }

    private static func shardIndex(_ bytes: [UInt8]) {
        let region = ByteRegion(buffer(bytes))
        guard ShardIndex.recognizes(region), let index = try? ShardIndex(region) else { return }
        for file in index.files { require(!file.contains("/"), "\(file) is beside the index") }
    }
}
