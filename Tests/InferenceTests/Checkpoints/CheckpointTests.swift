import Files
import Foundation
import TestSupport
import Testing

@testable import Inference

@Suite(.timeLimit(.minutes(2)))
struct CheckpointTests {
    @Test(arguments: CheckpointFixtures.names(in: CheckpointFixtures.sound))
    func `A valid file gives the tensors that PyTorch saved`(_ name: String) throws {
        try CheckpointFixtures.check(name, in: CheckpointFixtures.sound)
    }

    @Test func `There are valid and hostile files to test with`() {
        #expect(CheckpointFixtures.names(in: CheckpointFixtures.sound).count == 34)
        #expect(CheckpointFixtures.names(in: CheckpointFixtures.hostile).count == 228)
    }

    @Test func `Contiguous float32 is viewed in place, everything else is copied`() throws {
        let bytes = try CheckpointFixtures.bytes("layouts.pth")
        let checkpoint = try Checkpoint(bytes: bytes)
        let file = UnsafeRawBufferPointer(checkpoint.file.bytes)
        func isView(_ name: String) throws -> Bool {
            let tensor = try #require(checkpoint.tensors[name]).tensor()
            return tensor.withUnsafeScalars { scalars in
                guard let start = scalars.baseAddress, let fileStart = file.baseAddress else { return false }
                let address = UnsafeRawPointer(start)
                return address >= fileStart && address < fileStart + file.count
            }
        }
        for name in ["whole", "again", "rows", "scalar", "one_row"] { #expect(try isView(name), "\(name)") }
        for name in ["columns", "every_second", "transposed", "expanded", "double_slice", "brain_steps"] {
            #expect(try !isView(name), "\(name)")
        }
        let unaligned = try Checkpoint(bytes: try CheckpointFixtures.bytes("unaligned.safetensors"))
        #expect(unaligned.tensors["bé😀/\"\\"]?.tensor().scalars == [1, -2])
    }

    @Test func `A file's bytes are freed once its float16 tensors are converted and it is released`() throws {
        weak var file: AlignedBuffer?
        var half: Tensor?
        var view: Tensor?
        do {
            let checkpoint = try Checkpoint(bytes: try CheckpointFixtures.bytes("types.pth"))
            file = checkpoint.file
            half = try #require(checkpoint.tensors["float16"]).tensor()
            view = try #require(checkpoint.tensors["float32"]).tensor()
        }
        #expect(file != nil)
        #expect(view?.scalars[2] == 1.5)
        view = nil
        #expect(file == nil)
        #expect(half?.scalars[8] == 1)
    }

    @Test func `Asking for a tensor says whether it is missing, of another shape or of another type`() throws {
        let checkpoint = try Checkpoint(bytes: try CheckpointFixtures.bytes("types.pth"))
        #expect(throws: CheckpointError.missingTensor(name: "conv1", expected: [2, 3])) {
            try checkpoint.tensor("conv1", shape: [2, 3])
        }
        #expect(throws: CheckpointError.shapeMismatch(name: "float32", found: [6], expected: [2, 3])) {
            try checkpoint.tensor("float32", shape: [2, 3])
        }
        #expect(throws: CheckpointError.unsupportedScalarType(name: "int8", found: "int8")) {
            try checkpoint.tensor("int8", shape: [1])
        }
        #expect(checkpoint.tensors["int8"] == nil)
    }

    @Test func `Files that cannot be read are refused by their path`() throws {
        let folder = CheckpointFixtures.sound.path
        #expect(throws: CheckpointError.file(.notAFile(file: folder))) { try Checkpoint(contentsOf: folder) }
        #expect(throws: CheckpointError.file(.notAFile(file: "/dev/zero"))) { try Checkpoint(contentsOf: "/dev/zero") }
        #expect(throws: CheckpointError.file(.unreadable(file: "/no/such.pth", reason: "No such file or directory"))) {
            try Checkpoint(contentsOf: "/no/such.pth")
        }
        let file = folder + "/none.safetensors"
        #expect(throws: CheckpointError.file(.tooLarge(file: file, byteCount: 10, limit: 9))) {
            try Checkpoint(contentsOf: file, maxByteCount: 9)
        }
        #expect(try Checkpoint(contentsOf: file, maxByteCount: 10).tensors.isEmpty)
    }

    /// A file in /sys: its length is a whole page, but only a few bytes can be read.
    static let shortFile = "/sys/devices/system/cpu/online"

    @Test(.enabled(if: FileManager.default.fileExists(atPath: shortFile)))
    func `A file that ends before its length is refused`() {
        #expect(throws: CheckpointError.file(.changedWhileReading(file: Self.shortFile))) {
            try Checkpoint(contentsOf: Self.shortFile)
        }
    }

    @Test func `The content decides the format, and an unknown one is described`() {
        #expect(Checkpoint.error(of: []) == .unknownFormat(file: "test", found: "is empty"))
        #expect(
            Checkpoint.error(of: [0x80, 2, 0x8A, 10])
                == .unknownFormat(file: "test", found: "is a bare pickle, not one that torch.save wrote"))
        #expect(
            Checkpoint.error(of: [UInt8](repeating: 0x30, count: 257) + Array("ustar".utf8))
                == .unknownFormat(
                    file: "test", found: "is a tar archive: unpack it, or load and save it again with PyTorch"))
        #expect(
            Checkpoint.error(of: Array("{\"weight_map\": {}}".utf8))
                == .unknownFormat(file: "test", found: "is the index of shards, and not read from a file beside them"))
        #expect(
            Checkpoint.error(of: Array("{\"0\": \"daisy\"}".utf8))
                == .unknownFormat(file: "test", found: "begins like JSON, but is no index of shards"))
        #expect(
            Checkpoint.error(of: Array("\u{1}HDF\r\n".utf8))
                == .unknownFormat(file: "test", found: "begins with the bytes 01 48 44 46 0d 0a"))
        #expect(Checkpoint.error(of: [0x50, 0x4B, 3, 4]) == .missingDirectory(byteCount: 4))
    }

    @Test(arguments: [
        ("module.features.0.weight", "features.0.weight"), ("features.module.0.weight", "features.0.weight"),
        ("_orig_mod.module.fc.bias", "fc.bias"), ("submodule.weight", "submodule.weight"), ("module", "module"),
        ("a.module", "a.module"), ("", ""), ("module.", ""), ("fc..bias", "fc..bias"),
    ])
    func `Wrappers' names are removed anywhere but in the last part of a name`(
        _ name: String, _ plain: String
    ) {
        #expect(CheckpointContents.plainName(name) == plain)
    }
}

/// Checkpoints of quantized weights.
@Suite(.timeLimit(.minutes(2)))
struct QuantizedCheckpointTests {
    private static let advice =
        ", and quantized weights are not supported: save the network before it is quantized, or dequantize its weights "
        + "to float32; alexnet quantize quantizes them here"

    @Test(arguments: [
        ("dynamic.pth", "fc._packed_params._packed_params", "qint8"),
        ("dynamic-stacked.pth", "fc._packed_params._packed_params", "qint8"),
        ("static.pth", "1.conv.weight", "qint8"),
        ("float8.pth", "conv.weight", "float8_e4m3fn"),
        ("float8-stacked.pth", "conv.weight", "float8_e4m3fn"),
        ("float8.safetensors", "conv.weight", "F8_E4M3"),
        ("int8.pth", "conv.weight", "int8"),
        ("int8.safetensors", "conv.weight", "I8"),
    ])
    func `Quantized checkpoints can be inspected, and are refused as networks with advice`(
        _ file: String, _ name: String, _ type: String
    ) throws {
        let checkpoint = try Checkpoint(contentsOf: FixtureFile.url("Quantized/" + file).path)
        #expect(checkpoint.skipped.contains(SkippedTensor(name: name, scalarName: type)))
        let error = #expect(throws: CheckpointError.self) { try ParameterSet(checkpoint) }
        #expect(error?.description == "tensor \"\(name)\" is \"\(type)\"" + Self.advice)
    }

    @Test func `An integer counter is not a weight and is skipped`() throws {
        let parameters = try ParameterSet(try Checkpoint(bytes: try CheckpointFixtures.bytes("state-dict.pth")))
        #expect(parameters.layers.map(\.name) == ["0", "1", "3"])
    }
}

/// Damaged files never crash the reader, and where the format can tell, they are refused.
@Suite(.timeLimit(.minutes(2)))
struct CheckpointRobustnessTests {
    static let files = [
        "state-dict.pth", "state-dict-protocol-4.pth", "layouts.pth", "deflated.pth", "records-zip64.pth",
        "training-script.pth", "types.safetensors", "unaligned.safetensors",
    ]

    @Test(arguments: files)
    func `A truncated file is refused`(_ name: String) throws {
        let bytes = try CheckpointFixtures.bytes(name)
        for count in 0..<bytes.count {
            #expect(Checkpoint.error(of: bytes[..<count]) != nil, "cut to \(count) of \(bytes.count) bytes")
        }
    }

    @Test(arguments: files)
    func `A trailing byte is refused`(_ name: String) throws {
        #expect(Checkpoint.error(of: try CheckpointFixtures.bytes(name) + [0]) != nil)
    }

    @Test(arguments: files)
    func `A changed byte anywhere is refused or leaves valid tensors`(_ name: String) throws {
        let bytes = try CheckpointFixtures.bytes(name)
        var generator = SeededGenerator(seed: 1)
        for offset in bytes.indices {
            for change in [
                UInt8(1) << Int.random(in: 0..<8, using: &generator), UInt8.random(in: 1...255, using: &generator),
            ] {
                var changed = bytes
                changed[offset] ^= change
                convertAll(changed)
            }
        }
    }

    @Test func `Several changed bytes in a pickle without checksum are refused or leave valid tensors`() throws {
        let bytes = try CheckpointFixtures.bytes("without-checksums.pth")
        var generator = SeededGenerator(seed: 2)
        var refusals = 0
        for _ in 0..<20_000 {
            var changed = bytes
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                // data.pkl lies at the start.
                changed[Int.random(in: 64..<500, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            refusals += convertAll(changed) ? 0 : 1
        }
        #expect((1..<20_000).contains(refusals))
    }

    @Test(arguments: ["layouts.pth", "stored-again.pth"])
    func `A changed byte of a weight is detected by its checksum`(_ name: String) throws {
        let bytes = try CheckpointFixtures.bytes(name)
        let archive = try ZipArchive(ByteRegion(AlignedBuffer(bytes)))
        let records = archive.records.filter { $0.name.contains("/data/") && $0.byteCount > 0 }
        #expect(records.count > 5)
        for record in records {
            var changed = bytes
            changed[record.data.range.lowerBound] ^= 1
            guard case .checksumMismatch(record.name, _, record.checksum) = Checkpoint.error(of: changed) else {
                Issue.record("\(record.name) is taken")
                continue
            }
        }
    }

    /// Whether the bytes are a checkpoint; if so, every tensor of it is read.
    @discardableResult
    private func convertAll(_ bytes: [UInt8]) -> Bool {
        guard let checkpoint = try? Checkpoint(bytes: bytes) else { return false }
        for (_, stored) in checkpoint.tensors {
            let tensor = stored.tensor()
            #expect(tensor.scalars.count == stored.shape.elementCount)
        }
        return true
    }
}
