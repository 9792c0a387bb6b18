import Files
import Foundation
import Testing

@testable import Inference

@Suite("Checkpoint")
struct CheckpointTests {
    @Test(
        "A sound file gives the tensors that PyTorch saved",
        arguments: CheckpointFixtures.names(in: CheckpointFixtures.sound))
    func readsWhatPyTorchSaved(_ name: String) throws {
        try CheckpointFixtures.check(name, in: CheckpointFixtures.sound)
    }

    @Test("There are sound and hostile files to test with")
    func fixturesExist() {
        #expect(CheckpointFixtures.names(in: CheckpointFixtures.sound).count == 34)
        #expect(CheckpointFixtures.names(in: CheckpointFixtures.hostile).count == 228)
    }

    @Test("Contiguous float32 is viewed in place, everything else is copied")
    func viewsFloat32() throws {
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

    @Test("A file's bytes are freed once its float16 tensors are converted and it is let go")
    func freesConvertedBytes() throws {
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

    @Test("Asking for a tensor says whether it is missing, of another shape or of another type")
    func asksForTensors() throws {
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

    @Test("Files that cannot be read are refused by their path")
    func refusesUnreadableFiles() throws {
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

    /// The kernel gives this file a length of a whole page, and only a few bytes to read.
    static let shortFile = "/sys/devices/system/cpu/online"

    @Test(
        "A file that ends before its length is refused", .enabled(if: FileManager.default.fileExists(atPath: shortFile))
    )
    func noticesShortReads() {
        #expect(throws: CheckpointError.file(.changedWhileReading(file: Self.shortFile))) {
            try Checkpoint(contentsOf: Self.shortFile)
        }
    }

    @Test("The bytes decide the format, and what has none is described")
    func tellsFormats() {
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

    @Test(
        "Wrappers' names are taken out wherever they stand, but never a name's last part",
        arguments: [
            ("module.features.0.weight", "features.0.weight"), ("features.module.0.weight", "features.0.weight"),
            ("_orig_mod.module.fc.bias", "fc.bias"), ("submodule.weight", "submodule.weight"), ("module", "module"),
            ("a.module", "a.module"), ("", ""), ("module.", ""), ("fc..bias", "fc..bias"),
        ])
    func removesWrappers(_ name: String, _ plain: String) {
        #expect(CheckpointContents.plainName(name) == plain)
    }
}
