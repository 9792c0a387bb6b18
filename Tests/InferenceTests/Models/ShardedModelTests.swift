import Files
import Foundation
import ModelTestSupport
import TestSupport
import Testing
import Threads

@testable import Inference

@Suite("A model whose checkpoint is sharded", .timeLimit(.minutes(2)))
struct ShardedModelTests {
    private static let index = "model.safetensors.index.json"
    private static let shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    private let loader = ModelLoader(workers: WorkerPool(threadCount: 1))

    /// The tiny model's own checkpoint in two shards.
    private func tiny() throws -> TinyModel {
        let tiny = try TinyModel()
        let whole = try Checkpoint(contentsOf: tiny.path("model.safetensors"))
        try tiny.remove("model.safetensors")
        var map: [String: String] = [:]
        for (file, part) in zip(Self.shards, [whole.tensors.prefix(5), whole.tensors.dropFirst(5)]) {
            try CheckpointWriter.write(
                part.map { ($0.name, $0.tensor.tensor()) }, to: tiny.path(file), format: .safetensors)
            for (name, _) in part { map[name] = file }
        }
        let json = try JSONEncoder().encode(["weight_map": map])
        try tiny.write(Self.index, String(decoding: json, as: UTF8.self))
        return tiny
    }

    private func rewrite(_ tiny: TinyModel) throws {
        let shard = try Checkpoint(contentsOf: tiny.path(Self.shards[1]))
        try CheckpointWriter.write(
            shard.tensors.map { ($0.name, Tensor($0.tensor.shape) { $0.initialize(repeating: 0.25) }) },
            to: tiny.path(Self.shards[1]), format: .safetensors)
    }

    @Test func `its folder is a model's, whose checkpoint is the index`() throws {
        let tiny = try tiny()
        let files = try ModelFiles(folder: tiny.folder.path)
        #expect(try files.holdsModel)
        #expect(files.checkpointPath == tiny.path(Self.index))
        let byteCount = try ([Self.index] + Self.shards)
            .reduce(0) { $0 + (try #require(FileSnapshot.byteCount(of: tiny.path($1)))) }
        #expect(files.checkpointByteCount == byteCount)
        let whole = try TinyModel()
        let image = RandomImage.tensor
        let expected = try loader.load(try ModelFiles(folder: whole.folder.path)).logits([image])
        let model = try loader.load(files)
        #expect(model.logits([image]) == expected)
        #expect(model.checkpointFormat == .safetensors)
    }

    @Test func `the index can be named, in model.json and on the command line`() throws {
        let tiny = try tiny()
        try tiny.writeCheckpoint("other.safetensors", seed: 5)
        try tiny.write("model.json", #"{"checkpoint": "model.safetensors.index.json"}"#)
        let folder = try loader.load(try ModelFiles(folder: tiny.folder.path))
        let file = try loader.load(ModelFiles(checkpoint: tiny.path(Self.index), classes: nil))
        #expect(file.name == "model")
        #expect(ModelFiles(checkpoint: "a/best.pth.tar", classes: nil).name == "best")
        #expect(ModelFiles(checkpoint: "a/b.c.pth", classes: nil).name == "b.c")
        #expect(folder.logits([RandomImage.tensor]) == file.logits([RandomImage.tensor]))
    }

    @Test func `a changed shard changes fingerprint and version, for the folder and for the named index`() throws {
        let tiny = try tiny()
        let folder = try ModelFiles(folder: tiny.folder.path)
        let file = ModelFiles(checkpoint: tiny.path(Self.index), classes: tiny.path("class_indices.json"))
        let before = (
            try folder.fingerprint, try file.fingerprint, try loader.load(folder).version, try loader.load(file).version
        )
        #expect(try folder.fingerprint == before.0)
        #expect(try file.fingerprint == before.1)
        try rewrite(tiny)
        #expect(try folder.fingerprint != before.0)
        #expect(try file.fingerprint != before.1)
        #expect(try loader.load(folder).version != before.2)
        #expect(try loader.load(file).version != before.3)
    }

    @Test func `shards without their index, and an index beside another checkpoint, are refused with the reason`()
        throws
    {
        var tiny = try tiny()
        try tiny.remove(Self.index)
        var error = #expect(throws: ModelError.self) { try loader.load(try ModelFiles(folder: tiny.folder.path)) }
        #expect(error == .shardsWithoutIndex(folder: tiny.folder.path, shard: Self.shards[0]))
        tiny = try self.tiny()
        try tiny.writeCheckpoint("other.safetensors")
        error = #expect(throws: ModelError.self) { try loader.load(try ModelFiles(folder: tiny.folder.path)) }
        #expect(error == .ambiguousCheckpoint(folder: tiny.folder.path, files: [Self.index, "other.safetensors"]))
    }

    @Test func `names that often mean other things count as checkpoints only where there is none of the usual ones`()
        throws
    {
        let tiny = try TinyModel()
        try tiny.write("mean.npy", "no checkpoint")
        try tiny.write("data.bin", "no checkpoint")
        #expect(try ModelFiles(folder: tiny.folder.path).checkpointPath == tiny.path("model.safetensors"))
        for name in ["pytorch_model.bin", "last.ckpt", "best.pth.tar", "net.npy"] {
            let tiny = try TinyModel()
            try FileManager.default.moveItem(atPath: tiny.path("model.safetensors"), toPath: tiny.path(name))
            let files = try ModelFiles(folder: tiny.folder.path)
            #expect(try files.holdsModel && files.checkpointPath == tiny.path(name))
            #expect(try loader.load(files).checkpointFormat == .safetensors)
        }
    }

    private enum RandomImage {
        static var tensor: Tensor {
            var random = RandomValues(seed: 4)
            return random.tensor([3, 224, 224]).channelsLast
        }
    }
}
