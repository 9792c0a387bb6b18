import Testing

@testable import Inference

/// Checkpoint errors.
@Suite(.timeLimit(.minutes(2)))
struct CheckpointErrorTests {
    static let sentences: [(CheckpointError, String)] = [
        (
            .refusedGlobal(name: "os.system", offset: 12),
            "the pickle asks to run \"os.system\" at offset 12, and a checkpoint needs only tensors: "
                + "save model.state_dict()"
        ),
        (
            .refusedObject(className: "__main__.AlexNet", offset: 2),
            "the pickle holds an object of class \"__main__.AlexNet\" at offset 2, not only tensors: "
                + "save the weights alone with torch.save(model.state_dict(), path)"
        ),
        (
            .missingTensor(name: "classifier.6.weight", expected: [10, 4096]),
            "tensor \"classifier.6.weight\" of shape [10, 4096] is missing"
        ),
        (
            .unexpectedTensor(name: "fc.bias", shape: [10]),
            "tensor \"fc.bias\" of shape [10] has no place in the network"
        ),
        (
            .shapeMismatch(name: "fc.bias", found: [10], expected: [5]),
            "tensor \"fc.bias\" has shape [10] where [5] is expected"
        ),
        (
            .nonFinite(name: "fc.bias", index: 3, value: "nan"),
            "tensor \"fc.bias\" has the value nan at index 3 where a finite number is expected"
        ),
        (
            .negativeVariance(name: "bn.running_var", index: 3, value: "-0.5"),
            "tensor \"bn.running_var\" has the value -0.5 at index 3, and a variance is never below zero"
        ),
        (
            .fitsNoArchitecture(
                closest: "resnet18", differences: [.unexpectedTensor(name: "x", shape: [1])], count: 3),
            "the tensors fit no known network; the closest is resnet18, but tensor \"x\" of shape [1] has no place in the "
                + "network; and 2 more"
        ),
        (.unknownArchitecture(found: ["a", "b"]), "the tensors fit no known network: \"a\", \"b\""),
        (
            .noTensors(keys: []),
            "no dictionary of tensors was found, neither at the top nor under a key such as state_dict or model; the keys "
                + "are: none"
        ),
        (
            .truncated(what: "the archive", offset: 7, needed: 4, available: 1),
            "the archive is cut short at offset 7: 1 of the 4 bytes needed are there"
        ),
    ]

    @Test(arguments: sentences)
    func `An error is one plain sentence`(_ error: CheckpointError, _ sentence: String) {
        #expect(error.description == sentence)
    }

    @Test func `Names from a file are shortened, and cannot break out of their line`() {
        #expect(
            CheckpointError.missingRecord(record: "a\u{1B}[2J\n\u{202E}é").description
                == "the archive has no record \"a\\u{1B}[2J\\n\\u{202E}é\"")
        #expect(
            CheckpointError.duplicateRecord(record: String(repeating: "x", count: 101)).description
                == "the archive has two records named \"\(String(repeating: "x", count: 100))…\"")
        #expect(
            CheckpointError.unknownArchitecture(found: (0..<14).map { "k\($0)" }).description
                .hasSuffix("\"k10\", \"k11\" and 2 more"))
    }

    @Test func `Every hostile file's error is a sentence of bounded length on one line`() {
        let tables = [
            ZipArchiveTests.refusals, PickleMachineTests.refusals, PyTorchReaderTests.refusals,
            SafetensorsReaderTests.refusals,
        ]
        let names =
            tables.flatMap(\.keys) + [ZipArchiveTests.bomb] + PyTorchReaderTests.repeated.keys
            + StateDictionaryTests.refusals.keys
            + StateDictionaryTests.refusalsAsWeights.keys
            + PickleMachineTests.carried.keys + ReadingBudgetTests.bombs.keys
        #expect(names.sorted() == CheckpointFixtures.names(in: CheckpointFixtures.hostile))
        for error in tables.flatMap(\.values) {
            #expect((20..<400).contains(error.description.count), "\(error)")
            #expect(!error.description.contains("\n"))
        }
    }
}
