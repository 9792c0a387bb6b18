import Files
import Foundation
import TestSupport
import Testing

@testable import Inference

@Suite(.timeLimit(.minutes(2)))
struct ShardedReaderTests {
    private static let index = "model.safetensors.index.json"
    private static let first = "model-00001-of-00002.safetensors"
    private static let second = "model-00002-of-00002.safetensors"

    private func folder() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        for name in [Self.index, Self.first, Self.second] {
            try FileManager.default.copyItem(
                atPath: CheckpointFixtures.sharded.appending(path: name).path, toPath: folder.path(name))
        }
        return folder
    }

    private func error(_ folder: TemporaryFolder, maxByteCount: Int = Checkpoint.defaultMaxByteCount) -> String? {
        do throws(CheckpointError) {
            _ = try Checkpoint(contentsOf: folder.path(Self.index), maxByteCount: maxByteCount)
            return nil
        } catch {
            return error.description
        }
    }

    @Test func `An index gives the tensors of all its shards`() throws {
        let folder = try folder()
        let checkpoint = try Checkpoint(contentsOf: folder.path(Self.index))
        #expect(checkpoint.format == .safetensors)
        #expect(checkpoint.metadata == ["format": "pt"])
        #expect(
            Set(checkpoint.tensors.names) == [
                "0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var", "3.weight", "3.bias",
            ])
        #expect(checkpoint.skipped == [SkippedTensor(name: "1.num_batches_tracked", scalarName: "I64")])
        #expect(
            try checkpoint.tensor("0.weight", shape: [3, 2, 3, 3]).tensor().scalars == (0..<54).map(Float.init))
        #expect(try checkpoint.tensor("3.bias", shape: [2]).tensor().scalars == [94, 95])
        let sizes = try [Self.index, Self.first, Self.second].map {
            try #require(FileSnapshot.byteCount(of: folder.path($0)))
        }
        #expect(checkpoint.file.bytes.count == sizes[0])
        #expect(checkpoint.shards.map(\.bytes.count) == Array(sizes[1...]))
        #expect(checkpoint.byteCount == sizes.reduce(0, +))
        #expect(error(folder, maxByteCount: checkpoint.byteCount) == nil)
        #expect(
            error(folder, maxByteCount: checkpoint.byteCount - 1)
                == "shard \"\(Self.second)\": \(folder.path(Self.second)) has \(sizes[2]) bytes, and at most \(sizes[2] - 1) are read"
        )
    }

    @Test func `A shard that is missing, truncated or from another checkpoint is refused by its name`() throws {
        var folder = try folder()
        try FileManager.default.removeItem(atPath: folder.path(Self.second))
        #expect(
            error(folder)
                == "shard \"\(Self.second)\": \(folder.path(Self.second)) cannot be read: No such file or directory")
        folder = try self.folder()
        try folder.write([], to: Self.second)
        #expect(
            error(folder)
                == "shard \"\(Self.second)\": the safetensors file is cut short at offset 0: 0 of the 8 bytes needed are there"
        )
        folder = try self.folder()
        let other = Tensor([2], scalars: [1, 2])
        let path = folder.path(Self.second)
        try FileManager.default.removeItem(atPath: path)
        try CheckpointWriter.write([("other", other)], to: path, format: .safetensors)
        #expect(
            error(folder)
                == "tensor \"other\" of shard \"\(Self.second)\" is not in the index: shards and index must be saved together"
        )
        try FileManager.default.removeItem(atPath: path)
        try CheckpointWriter.write([("3.bias", other)], to: path, format: .safetensors)
        #expect(
            error(folder)
                == "tensor \"1.num_batches_tracked\" is not in shard \"\(Self.second)\", where the index says it is")
    }

    @Test func `A tensor in two shards is refused`() throws {
        let folder = try TemporaryFolder()
        for (file, name) in [("a.safetensors", "w"), ("b.safetensors", "module.w")] {
            try CheckpointWriter.write(
                [(name, Tensor([1], scalars: [1]))], to: folder.path(file), format: .safetensors)
        }
        try folder.write(
            Array(#"{"weight_map": {"w": "a.safetensors", "module.w": "b.safetensors"}}"#.utf8), to: Self.index)
        #expect(
            error(folder)
                == "shard \"b.safetensors\": two tensors are named \"w\" once module. and _orig_mod. are removed")
    }

    @Test(arguments: [
        (
            #"{"b": "weight_map"}"#,
            "the shard index has no tensors at offset 0 where a weight_map of names and their files is expected"
        ),
        (
            #"{"weight_map": {}}"#,
            "the shard index has no tensors at offset 0 where a weight_map of names and their files is expected"
        ),
        (
            #"{"weight_map": {"w": "../w.safetensors"}}"#,
            "the shard index names \"../w.safetensors\", which is not a plain file name; shards lie beside their index"
        ),
        (
            #"{"weight_map": {"w": "/etc/passwd"}}"#,
            "the shard index names \"/etc/passwd\", which is not a plain file name; shards lie beside their index"
        ),
        (
            #"{"weight_map": {"w": ".."}}"#,
            "the shard index names \"..\", which is not a plain file name; shards lie beside their index"
        ),
        (
            #"{"weight_map": {"w": ""}}"#,
            "the shard index names \"\", which is not a plain file name; shards lie beside their index"
        ),
        (
            #"{"weight_map": {"w": "a", "\u0077": "a"}}"#,
            "the shard index has the key \"w\" again at offset 26 where each key once is expected"
        ),
        (
            #"{"weight_map": {"w": "a"}, "weight_map": {"v": "a"}}"#,
            "the shard index has the key \"weight_map\" again at offset 27 where each key once is expected"
        ),
        (
            #"{"weight_map": {"w": 5}}"#,
            "the shard index has byte 0x35 at offset 21 where '\"' is expected"
        ),
        (#"{"weight_map": ["#, "the shard index has byte 0x5b at offset 15 where '{' is expected"),
        (
            #"{"metadata": [[[[[[[[[1]]]]]]]]], "weight_map": {}}"#,
            "the shard index has byte 0x5b at offset 21 where less nesting is expected"
        ),
        (
            #"{"weight_map": {"w": "a"}} x"#,
            "the shard index has byte 0x78 at offset 27 where the end of the index is expected"
        ),
    ])
    func `A broken index is refused`(_ text: String, _ sentence: String) throws {
        let folder = try TemporaryFolder()
        try folder.write(Array(text.utf8), to: Self.index)
        #expect(error(folder) == sentence)
    }

    @Test func `The number of shards is bounded`() throws {
        func index(_ count: Int) throws -> ShardIndex {
            let map = (0..<count).map { "\"t\($0)\": \"s\($0)\"" }.joined(separator: ", ")
            return try ShardIndex(ByteRegion(AlignedBuffer(Array("{\"weight_map\": {\(map)}}".utf8))))
        }
        #expect(try index(256).files.count == 256)
        #expect(throws: CheckpointError.limitExceeded(what: "shards", found: 257, limit: 256)) { try index(257) }
    }

    @Test func `Values beside the weight map may have any type`() throws {
        let text =
            #"{"metadata": {"a": [1, -2.5e+3, true, null, "x", {}], "b": {"c": []}}, "weight_map": {"w": "s"}, "z": 0}"#
        #expect(try ShardIndex(ByteRegion(AlignedBuffer(Array(text.utf8)))).names == ["s": ["w"]])
    }

    @Test(arguments: [
        ("model-00001-of-00002.safetensors", true), ("a-b-00010-of-123456.safetensors", true),
        ("model.safetensors", false), ("model-1-of-2.safetensors", false), ("model-00001-of-00002.bin", false),
        ("00001-of-00002.safetensors", true), ("of-00002.safetensors", false),
        ("model-0000x-of-00002.safetensors", false),
    ])
    func `Shards are recognised by their names`(_ name: String, _ isShard: Bool) {
        #expect(ShardIndex.isShard(name) == isShard)
    }
}
