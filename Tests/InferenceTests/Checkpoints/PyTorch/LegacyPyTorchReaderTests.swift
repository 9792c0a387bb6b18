import TestSupport
import Testing

@testable import Inference

/// The legacy format, from before PyTorch 1.6.
@Suite(.timeLimit(.minutes(2)))
struct LegacyPyTorchReaderTests {
    private static let sound = CheckpointFixtures.names(in: CheckpointFixtures.stacked)

    @Test(arguments: sound)
    func `A valid file gives the tensors that PyTorch finds in it, whatever its name`(_ name: String) throws {
        try CheckpointFixtures.check(name, in: CheckpointFixtures.stacked)
    }

    @Test func `There are valid and hostile files to test with`() {
        #expect(Self.sound.count == 13)
        #expect(CheckpointFixtures.names(in: CheckpointFixtures.hostileStacked) == Self.refusals.keys.sorted())
    }

    @Test(arguments: sound)
    func `A truncated file, or one with a trailing byte, is refused`(_ name: String) throws {
        let bytes = try CheckpointFixtures.bytes(name, in: CheckpointFixtures.stacked)
        for count in 0..<bytes.count {
            #expect(Checkpoint.error(of: bytes[..<count]) != nil, "cut to \(count) of \(bytes.count) bytes")
        }
        #expect(Checkpoint.error(of: bytes + [0]) != nil)
    }

    @Test(arguments: ["views.pth", "first-versions.pth", "layouts.pth"])
    func `Changed bytes are refused or leave valid tensors`(_ name: String) throws {
        let bytes = try CheckpointFixtures.bytes(name, in: CheckpointFixtures.stacked)
        var generator = SeededGenerator(seed: 4)
        var refusals = 0
        for _ in 0..<10_000 {
            var changed = bytes
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                changed[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            guard let checkpoint = try? Checkpoint(bytes: changed) else {
                refusals += 1
                continue
            }
            for (_, stored) in checkpoint.tensors {
                #expect(stored.tensor().scalars.count == stored.shape.elementCount)
            }
        }
        #expect(1..<10_000 ~= refusals)
    }

    @Test(arguments: refusals.keys.sorted())
    func `A file that is not a valid sequence of pickles and storages is refused`(_ name: String) throws {
        let bytes = try CheckpointFixtures.bytes(name, in: CheckpointFixtures.hostileStacked)
        #expect(Checkpoint.error(of: bytes)?.description == Self.refusals[name])
    }

    /// One hostile file for each thing that can be wrong, and the sentence it must be refused with.
    static let refusals: [String: String] = [
        "big-endian.pth":
            "the tensors' byte order is \"big\" where \"little\" is expected: save them on a little-endian"
            + " machine",
        "billion.pth": "the pickle holds a list where a dictionary of tensors is expected: save model.state_dict()",
        "code-as-storage.pth":
            "no dictionary of tensors was found, neither at the top nor under a key such as state_dict or model;"
            + " the keys are: \"w (os.system)\"",
        "code-build.pth":
            "the pickle holds the global __main__.Harm where a dictionary of tensors is expected: save"
            + " model.state_dict()",
        "code-extension.pth":
            "the pickle asks to run \"extension 1\" at offset 8, and a checkpoint needs only tensors: save"
            + " model.state_dict()",
        "code-in-keys.pth":
            "the pickle has the result of os.system at offset 266 where the key of a tensor's storage,"
            + " each once is expected",
        "code-in-persistent-id.pth":
            "the pickle has a persistent id of 1 values at offset 31 where the id of a storage is expected",
        "code-in-system.pth":
            "the pickle has the result of os.system at offset 21 where a dictionary of system info is expected",
        "code-in-version.pth":
            "the pickle has the result of os.system at offset 15 where the version 1001 is expected",
        "code-inst.pth":
            "the pickle asks to run \"os.system\" at offset 15, and a checkpoint needs only tensors: save"
            + " model.state_dict()",
        "code-newobj.pth":
            "the pickle holds an object of class \"subprocess.Popen\" at offset 35, not only tensors: save"
            + " the weights alone with torch.save(model.state_dict(), path)",
        "code-obj.pth":
            "the pickle asks to run \"os.system\" at offset 26, and a checkpoint needs only tensors: save"
            + " model.state_dict()",
        "code-reduce.pth":
            "no dictionary of tensors was found, neither at the top nor under a key such as state_dict or model;"
            + " the keys are: \"w (posix.system)\"",
        "code-stack-global.pth":
            "no dictionary of tensors was found, neither at the top nor under a key such as state_dict or model;"
            + " the keys are: \"w (posix.system)\"",
        "code-then-broken.pth":
            "the pickle has opcode 0xff at offset 13, which no state_dict needs",
        "cycle.pth":
            "no dictionary of tensors was found, neither at the top nor under a key such as state_dict or model;"
            + " the keys are: \"state_dict\"",
        "deep.pth": "the pickle holds a list where a dictionary of tensors is expected: save model.state_dict()",
        "huge-memo.pth":
            "no dictionary of tensors was found, neither at the top nor under a key such as state_dict or model;"
            + " the keys are: none",
        "huge-string.pth":
            "the pickle is cut short at offset 11: 44 of the 9223372036854775807 bytes needed are there",
        "keys-missing.pth":
            "storage \"0\" has 0 bytes where 24 are expected",
        "keys-none.pth": "the pickle has None at offset 266 where a list of storages is expected",
        "keys-number.pth":
            "the pickle has an integer at offset 266 where the key of a tensor's storage, each once"
            + " is expected",
        "keys-repeated.pth":
            "the pickle has the key 0 at offset 266 where the key of a tensor's storage, each once"
            + " is expected",
        "keys-unknown.pth":
            "the pickle has the key 1 at offset 266 where the key of a tensor's storage, each once"
            + " is expected",
        "module-protocol-1.pth":
            "the pickle holds an object of class \"__main__.AlexNet\" at offset 66, not only tensors: save"
            + " the weights alone with torch.save(model.state_dict(), path)",
        "module.pth":
            "the pickle holds an object of class \"torchvision.models.alexnet.AlexNet\" at offset 91, not only"
            + " tensors: save the weights alone with torch.save(model.state_dict(), path)",
        "only-magic.pth": "the pickle is cut short at offset 0: 0 of the 1 bytes needed are there",
        "persistent-id-nested.pth":
            "the pickle has a persistent id of 1 values at offset 63 where the id of a storage is expected",
        "storage-huge.pth":
            "the pickle has a storage of 4611686018427387904 elements at offset 277 where at most the 0 that follow is expected",
        "storage-long.pth": "storage \"0\" has 28 bytes where 24 are expected",
        "storage-negative.pth":
            "the pickle has a storage of -1 elements at offset 277 where at most the 0 that follow is expected",
        "storage-other-type.pth": "storage \"0\" has 24 bytes where 48 are expected",
        "storage-outside.pth":
            "the pickle has a storage of 1000000000000 elements at offset 277 where at most the 6 that follow is expected",
        "storage-short.pth": "storage \"0\" has 20 bytes where 24 are expected",
        "system-none.pth": "the pickle has None at offset 21 where a dictionary of system info is expected",
        "tensor-outside.pth": "tensor \"w\" reaches element 6 of a storage of 6",
        "tensor-state.pth":
            "the pickle has 0 arguments at offset 32 where a storage, an offset, sizes and strides is expected",
        "tensor-unfilled.pth":
            "no dictionary of tensors was found, neither at the top nor under a key such as state_dict or model;"
            + " the keys are: \"w\"",
        "trailing.pth": "1 bytes follow the last tensor at offset 309 where the file should end",
        "version-long.pth": "the checkpoint has 5298 bytes of pickle, and at most 4096 are allowed",
        "version-none.pth": "the pickle has None at offset 15 where the version 1001 is expected",
        "version.pth": "the pickle has the version 1002 at offset 15 where the version 1001 is expected",
        "view-negative-offset.pth":
            "the pickle has a view outside its storage of 6 at offset 130 where a key, an offset and a size"
            + " is expected",
        "view-negative-size.pth":
            "the pickle has a view outside its storage of 6 at offset 130 where a key, an offset and a size"
            + " is expected",
        "view-outside.pth":
            "the pickle has a view outside its storage of 6 at offset 130 where a key, an offset and a size"
            + " is expected",
        "view-overflow.pth":
            "the pickle has a view outside its storage of 6 at offset 130 where a key, an offset and a size"
            + " is expected",
        "view-small.pth": "tensor \"w\" reaches element 5 of a storage of 5",
        "view-text.pth": "the pickle has a string at offset 110 where a tuple is expected",
    ]
}
