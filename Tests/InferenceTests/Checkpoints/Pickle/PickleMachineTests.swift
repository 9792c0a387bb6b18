import Files
import Testing

@testable import Inference

@Suite(.timeLimit(.minutes(2)))
struct PickleMachineTests {
    /// One hostile file for each thing that can be wrong, and the error it must be refused with.
    static let refusals: [String: CheckpointError] = [
        "pickle-additems-list.pth": .invalidPickle(offset: 4, found: "a list", expected: "a set"),
        "pickle-append-dict.pth": .invalidPickle(offset: 4, found: "a dictionary", expected: "a list"),
        "pickle-below-mark.pth": .invalidPickle(offset: 4, found: "an empty stack", expected: "a value"),
        "pickle-billion.pth": .notAStateDictionary(found: "a list"),
        "pickle-buffer.pth": .unknownOpcode(opcode: 151, offset: 2),
        "pickle-build-list.pth": .invalidPickle(offset: 4, found: "state for a list", expected: "a dictionary"),
        "pickle-cycle.pth": .noTensors(keys: ["state_dict"]),
        "pickle-deep.pth": .notAStateDictionary(found: "a list"),
        "pickle-dotted-global.pth": .refusedGlobal(name: "collections.OrderedDict.__class__", offset: 46),
        "pickle-empty-obj.pth": .invalidPickle(offset: 1, found: "nothing", expected: "a class"),
        "pickle-empty.pth": .truncated(what: "the pickle", offset: 0, needed: 1, available: 0),
        "pickle-eval.pth": .refusedGlobal(name: "__builtin__.eval", offset: 33),
        "pickle-extension.pth": .notAStateDictionary(found: "the global extension 1"),
        "pickle-getattr.pth": .refusedGlobal(name: "builtins.getattr", offset: 36),
        "pickle-huge-bytes.pth": .truncated(what: "the pickle", offset: 7, needed: 4294967295, available: 1),
        "pickle-huge-frame.pth": .truncated(what: "the pickle", offset: 11, needed: .max, available: 2),
        "pickle-huge-string.pth": .truncated(what: "the pickle", offset: 11, needed: .max, available: 1),
        "pickle-inst-system.pth": .refusedGlobal(name: "os.system", offset: 15),
        "pickle-int-text.pth": .invalidPickle(offset: 0, found: "\"seven\"", expected: "a number"),
        "pickle-line-without-end.pth": .truncated(what: "the pickle", offset: 1, needed: 3, available: 2),
        "pickle-list.pth": .notAStateDictionary(found: "a list"),
        "pickle-load-from-bytes.pth": .refusedGlobal(name: "torch.storage._load_from_bytes", offset: 38),
        "pickle-many-steps.pth": .limitExceeded(what: "pickle steps", found: 4194305, limit: 4194304),
        "pickle-memo-text.pth": .invalidPickle(offset: 0, found: "\"-1\"", expected: "a memo index"),
        "pickle-memo.pth": .invalidPickle(
            offset: 2, found: "the unset memo entry 7", expected: "an entry that was set"),
        "pickle-module.pth": .refusedObject(className: "__main__.AlexNet", offset: 23),
        "pickle-negative-long.pth": .invalidPickle(
            offset: 2, found: "a length of -1", expected: "a length of at least 0"),
        "pickle-negative-string.pth": .invalidPickle(
            offset: 2, found: "a length of -1", expected: "a length of at least 0"),
        "pickle-newobj-ex.pth": .refusedObject(className: "subprocess.Popen", offset: 30),
        "pickle-newobj.pth": .refusedObject(className: "os.system", offset: 28),
        "pickle-no-entries.pth": .noTensors(keys: []),
        "pickle-no-mark.pth": .invalidPickle(offset: 3, found: "no mark", expected: "a mark"),
        "pickle-no-stop.pth": .truncated(what: "the pickle", offset: 188, needed: 1, available: 0),
        "pickle-no-tensors.pth": .noTensors(keys: ["epoch", "weights"]),
        "pickle-not-utf8.pth": .notAStateDictionary(found: "bytes"),
        "pickle-obj-system.pth": .refusedGlobal(name: "os.system", offset: 26),
        "pickle-odd-items.pth": .invalidPickle(
            offset: 7, found: "a key without a value", expected: "pairs of keys and values"),
        "pickle-odd-name.pth": .refusedGlobal(
            name: "os\u{1B}[2J.\u{202E}" + String(repeating: "x", count: 200), offset: 215),
        "pickle-only-stop.pth": .invalidPickle(offset: 0, found: "an empty stack", expected: "a value"),
        "pickle-opcode.pth": .unknownOpcode(opcode: 255, offset: 2),
        "pickle-ordered-dict-items.pth": .invalidPickle(offset: 31, found: "None", expected: "a pair"),
        "pickle-ordered-dict-number.pth": .invalidPickle(offset: 30, found: "an integer", expected: "a list of pairs"),
        "pickle-ordered-dict-triple.pth": .invalidPickle(offset: 34, found: "3 values", expected: "a key and a value"),
        "pickle-parameter-of-nothing.pth": .invalidPickle(
            offset: 39, found: "3 arguments", expected: "a parameter's tensor and settings"),
        "pickle-persid.pth": .refusedGlobal(name: "persistent_load", offset: 0),
        "pickle-persistent-class.pth": .invalidPickle(
            offset: 107, found: "a persistent id without a storage class", expected: "the id of a storage"),
        "pickle-persistent-id.pth": .invalidPickle(
            offset: 4, found: "a persistent id of 1 values", expected: "the id of a storage"),
        "pickle-protocol.pth": .unsupportedProtocol(found: 6),
        "pickle-rank.pth": .limitExceeded(what: "axes in one tensor", found: 17, limit: 16),
        "pickle-reduce-list.pth": .invalidPickle(offset: 28, found: "a list", expected: "a tuple"),
        "pickle-reduce-string.pth": .invalidPickle(offset: 17, found: "a string", expected: "a global to call"),
        "pickle-reduce-system.pth": .noTensors(keys: ["w (posix.system)"]),
        "pickle-setitem-list.pth": .invalidPickle(offset: 5, found: "a list", expected: "a dictionary"),
        "pickle-short-tuple.pth": .invalidPickle(offset: 3, found: "too short a stack", expected: "2 values"),
        "pickle-size-arguments.pth": .invalidPickle(offset: 15, found: "0 arguments", expected: "one tuple"),
        "pickle-size-of-text.pth": .invalidPickle(offset: 124, found: "a string", expected: "an integer"),
        "pickle-stack-global-numbers.pth": .invalidPickle(
            offset: 6, found: "an integer and an integer", expected: "two strings"),
        "pickle-stack-global-system.pth": .noTensors(keys: ["w (posix.system)"]),
        "pickle-storage-call.pth": .invalidPickle(
            offset: 23, found: "a call of the storage class of float32", expected: "a storage with a persistent id"),
        "pickle-string-unquoted.pth": .invalidPickle(
            offset: 0, found: "an unquoted string", expected: "a quoted string"),
        "pickle-system-as-storage.pth": .noTensors(keys: ["w (os.system)"]),
        "pickle-tensor-arguments.pth": .invalidPickle(
            offset: 36, found: "0 arguments", expected: "a storage, an offset, sizes and strides"),
        "pickle-torchscript.pth": .refusedObject(className: "__torch__.torchvision.models.alexnet.AlexNet", offset: 49),
        "pickle-underflow.pth": .invalidPickle(offset: 2, found: "an empty stack", expected: "a value"),
        "pickle-unknown-storage.pth": .noTensors(keys: ["w (torch.FancyStorage)"]),
        "pickle-untyped-storage.pth": .invalidPickle(
            offset: 196, found: "an untyped storage", expected: "a typed storage"),
    ]

    /// Pickles that ask Python to run code that no tensor needs; here it becomes inert objects.
    static let carried: [String: [String]] = ["pickle-beside-tensors.pth": ["w"], "pickle-named-only.pth": ["w"]]

    @Test(arguments: carried.keys.sorted())
    func `Code in a pickle becomes an inert name, and the tensors are read`(_ name: String) throws {
        let checkpoint = try Checkpoint(bytes: try CheckpointFixtures.bytes(name, in: CheckpointFixtures.hostile))
        #expect(checkpoint.tensors.names == Self.carried[name])
        #expect(try checkpoint.tensor("w", shape: [2, 3]).tensor().scalars == [1, 2, 3, 4, 5, 6])
    }

    @Test(arguments: refusals.keys.sorted())
    func `A malformed pickle, or one whose root needs code, is refused`(_ name: String) throws {
        let bytes = try CheckpointFixtures.bytes(name, in: CheckpointFixtures.hostile)
        #expect(Checkpoint.error(of: bytes) == Self.refusals[name])
    }

    private func run(_ pickle: String) throws -> (root: PickleValue, heap: PickleHeap) {
        try PickleMachine.run(ByteRegion(AlignedBuffer(Array(pickle.utf8))))
    }

    @Test func `Protocol 0 is supported`() throws {
        let (root, heap) = try run("(dp0\nS'a'\np1\n(lp2\nI-7\naL12L\naI01\naVb\naF1.5\naNas.")
        guard case .dictionary(let index) = root, case .list(let list) = heap.dictionaries[index][0].value else {
            Issue.record("\(root)")
            return
        }
        #expect(
            heap.lists[list].map { "\($0)" } == [
                "integer(-7)", "integer(12)", "boolean(true)", "string(\"b\")", "number", "none",
            ])
    }

    @Test func `Long integers are two's complement of any length`() throws {
        func value(_ bytes: [UInt8]) throws -> String {
            let pickle: [UInt8] = [0x80, 2, 0x8A, UInt8(bytes.count)] + bytes + [0x2E]
            return "\(try PickleMachine.run(ByteRegion(AlignedBuffer(pickle))).root)"
        }
        #expect(try value([]) == "integer(0)")
        #expect(try value([0xFF]) == "integer(-1)")
        #expect(try value([0xFF, 0]) == "integer(255)")
        #expect(try value([0, 0x80]) == "integer(-32768)")
        #expect(try value([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]) == "integer(\(Int.max))")
        #expect(try value([0, 0, 0, 0, 0, 0, 0, 0x80]) == "integer(\(Int.min))")
        #expect(try value([0, 0, 0, 0, 0, 0, 0, 0x80, 0]) == "number")
    }

    @Test func `A hundred thousand nested lists are made and freed without recursion`() throws {
        let depth = 100_000
        let (root, heap) = try run(
            String(repeating: "(l", count: depth) + String(repeating: "a", count: depth - 1) + ".")
        #expect("\(root)" == "list(0)")
        #expect(heap.lists.count == depth)
    }

    private func object(_ pickle: [UInt8]) throws -> PickleObject? {
        let (root, heap) = try PickleMachine.run(ByteRegion(AlignedBuffer(pickle)))
        guard case .object(let index) = root else {
            Issue.record("\(root)")
            return nil
        }
        return heap.objects[index]
    }

    @Test(arguments: [
        ("cos\nsystem\n(VX\ntR.", "os.system", false), ("(VX\nios\nsystem\n.", "os.system", false),
        ("(cos\nsystem\nVX\no.", "os.system", false), ("(icollections\nDeque\n.", "collections.Deque", true),
        ("cm\nC\n)\u{81}.", "m.C", true), ("cm\nC\n)}\u{92}.", "m.C", true),
        ("cm\nf\n)R}b.", "m.f", true), ("cm\nf\n)R)R.", "m.f", false),
        ("ccopy_reg\n_reconstructor\n(cm\nC\nc__builtin__\nobject\nNtR.", "m.C", true),
        ("ccopyreg\n__newobj__\n(cm\nC\ntR.", "m.C", true), ("\u{82}\u{7})R.", "extension 7", false),
        ("\u{83}\u{7}\u{0})R.", "extension 7", false), ("\u{84}\u{7}\u{0}\u{0}\u{0})R.", "extension 7", false),
        ("P7\n.", "persistent_load", false), ("cbuiltins\ngetattr\n(cm\nE\nVX\ntR.", "builtins.getattr", false),
        ("cm\nC\n)R(Va\nNNNu.", "m.C", true), ("cm\nC\n)R(NNe.", "m.C", true), ("cm\nC\n)R(NN\u{90}.", "m.C", true),
    ])
    func `Every opcode that calls or makes something gives an object with a name`(
        _ pickle: String, _ name: String, _ isInstance: Bool
    ) throws {
        // Each character is the byte of its number.
        let object = try #require(try object(pickle.unicodeScalars.map { UInt8($0.value) }))
        #expect(object.name == name)
        #expect(object.isInstance == isInstance)
    }

    @Test func `A subclass of a dictionary keeps its entries`() throws {
        for pickle in [
            "cm\nC\n)R(Va\nNu.", "cm\nC\n)R(Va\nNu}b.",
            "ccopy_reg\n_reconstructor\n(cm\nC\nc__builtin__\ndict\n(Va\nNdtR.",
        ] {
            let (root, heap) = try run(pickle)
            let entries = heap.dictionaries[try #require(heap.dictionary(root))]
            #expect(entries.map { heap.text($0.key) } == ["a"], "\(pickle)")
        }
    }

    @Test func `The length of globals' names is bounded`() throws {
        func named(_ count: Int) throws -> PickleValue {
            try run("cm\n" + String(repeating: "n", count: count) + "\n.").root
        }
        guard case .callable = try named(1023) else {
            Issue.record("no global")
            return
        }
        #expect(
            throws: CheckpointError.invalidPickle(
                offset: 0, found: "a global's name of 1025 bytes", expected: "at most 1024")
        ) { try named(1024) }
    }
}

/// Bytes written as text.
@Suite(.timeLimit(.minutes(2)))
struct Latin1Tests {
    private func bytes(_ text: [UInt8]) -> [UInt8]? {
        text.withUnsafeBytes(Latin1.bytes).map { buffer in withExtendedLifetime(buffer) { Array(buffer.bytes) } }
    }

    @Test func `Every byte is decoded from its Latin-1 character`() {
        let all = Array(UInt8.min...UInt8.max)
        let text = String(String.UnicodeScalarView(all.map { Unicode.Scalar($0) }))
        #expect(bytes(Array(text.utf8)) == all)
        #expect(bytes([]) == [])
    }

    @Test(
        arguments: [[0xC4, 0x80], [0xC3], [0xC3, 0x41], [0x80], [0xE2, 0x82, 0xAC], [0xFF], [0xC1, 0x80]] as [[UInt8]])
    func `Characters beyond Latin-1 and malformed text are refused`(_ text: [UInt8]) { #expect(bytes(text) == nil) }
}
