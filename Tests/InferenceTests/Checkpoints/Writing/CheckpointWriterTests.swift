import Files
import Foundation
import TestSupport
import Testing

@testable import Inference

@Suite(.timeLimit(.minutes(2)))
struct CheckpointWriterTests {
    private static let written = FixtureFile.url("Written")

    /// Tensors of every rank, an empty one, and a name that needs quoting everywhere.
    private static let tensors: [(name: String, tensor: Tensor)] = [
        ("features.10.weight", Tensor([2, 1, 3, 2], scalars: (0..<12).map { Float(0.1 * Double($0) - 0.5) })),
        ("features.10.bias", Tensor([2], scalars: [1e-8, -65504])),
        ("empty", Tensor([0, 3], scalars: [])),
        ("scalar", Tensor([], scalars: [2.5])),
        ("ü\"/\\", Tensor([1], scalars: [-0.0])),
    ]

    /// Every format in every type that it has.
    static let variants: [(Checkpoint.Format, ScalarType, String)] = [
        (.pytorch, .float32, "float32.pth"), (.pytorch, .float16, "float16.pth"), (.pytorch, .bfloat16, "bfloat16.pth"),
        (.safetensors, .float32, "float32.safetensors"), (.safetensors, .float16, "float16.safetensors"),
        (.safetensors, .bfloat16, "bfloat16.safetensors"), (.npz, .float32, "float32.npz"),
        (.npz, .float16, "float16.npz"),
    ]

    private func write(
        _ format: Checkpoint.Format, _ type: ScalarType, _ name: String, in folder: TemporaryFolder
    ) throws -> String {
        let path = folder.path(name)
        try CheckpointWriter.write(
            Self.tensors, to: path, format: format, scalarType: type, metadata: ["quote": "\"\n", "epoch": "3"])
        return path
    }

    @Test(arguments: variants)
    func `A file equals, byte for byte, the one that was verified with PyTorch, safetensors and NumPy`(
        _ format: Checkpoint.Format, _ type: ScalarType, _ name: String
    ) throws {
        let folder = try TemporaryFolder()
        let found = try Data(contentsOf: URL(filePath: try write(format, type, name, in: folder)))
        #expect(found == (try Data(contentsOf: Self.written.appending(path: name))))
    }

    @Test(arguments: variants)
    func `Names, shapes, types and every bit are read back as written`(
        _ format: Checkpoint.Format, _ type: ScalarType, _ name: String
    ) throws {
        let folder = try TemporaryFolder()
        let checkpoint = try Checkpoint(contentsOf: try write(format, type, name, in: folder))
        #expect(checkpoint.format == format)
        #expect(checkpoint.skipped.isEmpty)
        #expect(checkpoint.metadata == (format == .safetensors ? ["quote": "\"\n", "epoch": "3"] : [:]))
        #expect(checkpoint.tensors.count == Self.tensors.count)
        for (name, tensor) in Self.tensors {
            let stored = try checkpoint.tensor(name, shape: tensor.shape)
            #expect(stored.scalarType == type)
            let expected = tensor.scalars.map { value in
                switch type {
                case .float16: Float(Float16(value))
                case .bfloat16: ScalarConversion.float(bfloat16: ScalarConversion.bfloat16(value))
                default: value
                }
            }
            #expect(stored.tensor().scalars.map(\.bitPattern) == expected.map(\.bitPattern), "\(name)")
        }
    }

    @Test func `Any checkpoint converts to any format that has its types, and back without loss`() throws {
        let folder = try TemporaryFolder()
        for name in ["state-dict.pth", "types.pth", "layouts.pth", "unaligned.safetensors"] {
            let source = try Checkpoint(bytes: try CheckpointFixtures.bytes(name))
            for (format, suffix) in [(Checkpoint.Format.safetensors, "safetensors"), (.npz, "npz"), (.pytorch, "pth")] {
                let kept = source.tensors.filter { format != .npz || $0.tensor.scalarType != .bfloat16 }
                let path = folder.path("round.\(suffix)")
                let byteCount = try CheckpointWriter.write(
                    kept.map { WritableTensor(name: $0.name, stored: $0.tensor) }, to: path, format: format)
                #expect(byteCount == FileSnapshot.byteCount(of: path))
                let again = try Checkpoint(contentsOf: path)
                #expect(again.tensors.count == kept.count)
                for (name, tensor) in kept {
                    let found = try again.tensor(name, shape: tensor.shape)
                    if tensor.scalarType != .float64 { #expect(found.scalarType == tensor.scalarType) }
                    #expect(
                        found.tensor().scalars.map(\.bitPattern) == tensor.tensor().scalars.map(\.bitPattern), "\(name)"
                    )
                }
            }
        }
    }

    @Test func `Large tensors are written in chunks without loss`() throws {
        let folder = try TemporaryFolder()
        let count = 2 * (1 << 16) + 3
        let tensor = Tensor([count], scalars: (0..<count).map { Float($0 % 2000) })
        for type in [ScalarType.float16, .float32] {
            for (format, suffix) in [(Checkpoint.Format.safetensors, "safetensors"), (.npz, "npz"), (.pytorch, "pth")] {
                let path = folder.path("large.\(suffix)")
                try CheckpointWriter.write([("w", tensor)], to: path, format: format, scalarType: type)
                #expect(try Checkpoint(contentsOf: path).tensor("w", shape: [count]).tensor().scalars == tensor.scalars)
            }
        }
    }

    @Test func `An archive of more than 4 GB has the zip64 fields that PyTorch reads in a small one`() throws {
        let folder = try TemporaryFolder()
        let file = try AtomicFile(folder.path("zip64.pth"))
        let tensors = Self.tensors.map { WritableTensor(name: $0.name, tensor: $0.tensor, scalarType: .float32) }
        try PyTorchWriter.write(tensors, to: file, sizeLimit: 48)
        try file.commit()
        let found = try Data(contentsOf: URL(filePath: folder.path("zip64.pth")))
        #expect(found == (try Data(contentsOf: Self.written.appending(path: "zip64.pth"))))
    }

    @Test func `A network's parameters equal the file that PyTorch's load_state_dict accepts`() throws {
        let folder = try TemporaryFolder()
        try CheckpointWriter.write(
            [
                ("0.weight", Tensor([3, 2, 3, 3], scalars: (0..<54).map(Float.init))),
                ("0.bias", Tensor([3], scalars: [1, 2, 3])),
                ("1.weight", Tensor([5, 4], scalars: (0..<20).map(Float.init))),
                ("1.bias", Tensor([5], scalars: [0, 1, 2, 3, 4])),
            ], to: folder.path("network.pth"), format: .pytorch)
        #expect(
            try Data(contentsOf: URL(filePath: folder.path("network.pth")))
                == Data(contentsOf: Self.written.appending(path: "network.pth")))
    }

    @Test func `A tensor that cannot be written is refused by name, and the old file stays`() throws {
        let folder = try TemporaryFolder()
        func error(
            _ tensors: [(name: String, tensor: Tensor)], _ suffix: String, _ format: Checkpoint.Format,
            _ type: ScalarType
        ) throws -> CheckpointWriteError? {
            let path = folder.path("old.\(suffix)")
            try Data("old".utf8).write(to: URL(filePath: path))
            defer {
                #expect((try? String(contentsOfFile: path, encoding: .utf8)) == "old")
                #expect(folder.names == ["old.\(suffix)"])
                try? FileManager.default.removeItem(atPath: path)
            }
            do throws(CheckpointWriteError) {
                try CheckpointWriter.write(tensors, to: path, format: format, scalarType: type)
                return nil
            } catch {
                return error
            }
        }
        let one = Tensor([1], scalars: [1])
        let large = Tensor([3], scalars: [.infinity, 65519, 65520])
        for format in [Checkpoint.Format.pytorch, .safetensors, .npz] {
            #expect(
                try error([("a", one), ("w", large)], "x", format, .float16)
                    == .overflow(name: "w", index: 2, value: 65520, scalarType: .float16))
            #expect(try error([], "x", format, .float32) == .noTensors)
            #expect(try error([("a", one), ("a", one)], "x", format, .float32) == .duplicateTensor(name: "a"))
            #expect(
                try error([("a", one)], "x", format, .float64) == .unsupportedScalarType(.float64, format: format))
            #expect(
                try error([(String(repeating: "n", count: (1 << 14) + 1), one)], "x", format, .float32)
                    == .invalidName(name: String(repeating: "n", count: 100) + "…"))
        }
        let most = Tensor([2], scalars: [-.greatestFiniteMagnitude, 1])
        #expect(
            try error([("w", most)], "pth", .pytorch, .bfloat16)
                == .overflow(name: "w", index: 0, value: -.greatestFiniteMagnitude, scalarType: .bfloat16))
        #expect(try error([("a", one)], "npz", .npz, .bfloat16) == .unsupportedScalarType(.bfloat16, format: .npz))
        #expect(try error([("", one)], "npz", .npz, .float32) == .invalidName(name: ""))
        #expect(try error([("a\0b", one)], "npz", .npz, .float32) == .invalidName(name: "a\0b"))
        #expect(
            try error([("__metadata__", one)], "safetensors", .safetensors, .float32)
                == .invalidName(name: "__metadata__"))
    }

    @Test func `Every reader accepts the longest name that is written`() throws {
        let folder = try TemporaryFolder()
        let name = String(repeating: "n", count: 1 << 14)
        for format in [Checkpoint.Format.pytorch, .safetensors, .npz] {
            let path = folder.path("long")
            try CheckpointWriter.write([(name, Tensor([1], scalars: [7]))], to: path, format: format)
            #expect(try Checkpoint(contentsOf: path).tensor(name, shape: [1]).tensor().scalars == [7])
        }
    }

    @Test(arguments: [
        ("a.pth", Checkpoint.Format.pytorch), ("a/b.PT", .pytorch), ("a.b.safetensors", .safetensors),
        ("a.npz", .npz),
        ("pth", nil), ("a.pth/b", nil), ("a.npy", nil), ("", nil),
    ])
    func `A suffix names the format`(_ path: String, _ format: Checkpoint.Format?) {
        #expect(Checkpoint.Format(suffixOf: path) == format)
    }

    @Test(arguments: [
        (
            CheckpointWriteError.overflow(name: "fc.bias", index: 3, value: 70000, scalarType: .float16),
            "Tensor fc.bias has 70000.0 at index 3, which is too large for float16; bfloat16 and float32 have room for it."
        ),
        (
            .unsupportedScalarType(.bfloat16, format: .npz),
            "NumPy has no bfloat16; write float32 or float16 to .npz."
        ),
        (
            .file(.noSpace(file: "a.pth", byteCount: 12)),
            "a.pth cannot be written: there is no space left for its 12 bytes; free some and try again."
        ),
    ])
    func `An error is one plain sentence`(_ error: CheckpointWriteError, _ sentence: String) {
        #expect(error.description == sentence)
    }
}
