import Testing

@testable import Inference

/// State dictionaries in the files of training scripts.
@Suite(.timeLimit(.minutes(2)))
struct StateDictionaryTests {
    private static let scripts = CheckpointFixtures.names(in: CheckpointFixtures.trainingScripts)
        .filter { !$0.hasSuffix(".npy") }

    @Test(arguments: scripts)
    func `A training script's file gives the weights, whatever else it contains`(_ name: String) throws {
        try CheckpointFixtures.check(name, in: CheckpointFixtures.trainingScripts)
    }

    @Test func `There are files of training scripts to test with`() { #expect(Self.scripts.count == 43) }

    @Test func `A dictionary of layers may contain settings`() throws {
        let path = CheckpointFixtures.trainingScripts.appending(path: "layers.npy").path
        #expect(try Checkpoint(contentsOf: path).tensors.names == ["conv1.weight", "conv1.bias"])
    }

    @Test(arguments: [
        (
            "wrapped-model-and-ema.pth",
            [
                "the weights are those of [\"model\"]; the file also has \"model_ema\": to take others, save them alone, as "
                    + "torch.save(checkpoint[\"model_ema\"], path)"
            ]
        ),
        (
            "timm.pth.tar",
            [
                "the weights are those of [\"state_dict\"]; the file also has \"state_dict_ema\": to take others, save them "
                    + "alone, as torch.save(checkpoint[\"state_dict_ema\"], path)"
            ]
        ),
        ("wrapped-model_ema.pth", []), ("lightning.ckpt", []), ("imagenet.pth.tar", []),
    ])
    func `A choice between several dictionaries of weights leaves a note, and no choice leaves none`(
        _ name: String, _ notes: [String]
    ) throws {
        let path = CheckpointFixtures.trainingScripts.appending(path: name).path
        #expect(try Checkpoint(contentsOf: path).notes == notes)
    }

    @Test(arguments: refusals.keys.sorted())
    func `A file without weights is refused with advice for what it is`(_ name: String) throws {
        let bytes = try CheckpointFixtures.bytes(name, in: CheckpointFixtures.hostile)
        #expect(Checkpoint.error(of: bytes)?.description == Self.refusals[name])
    }

    static let refusals: [String: String] = [
        "object-subclass-of-itself.pth":
            "the pickle has a nested tensor subclass at offset 89 where a function that makes a tensor is expected",
        "several-networks.pth":
            "the pickle holds several dictionaries of weights, under \"generator\", \"discriminator\": save the right "
            + "one, as torch.save(checkpoint[\"generator\"], path)",
        "whole-averaged.pth":
            "under \"ema\" is an object of class models.yolo.Model where a dictionary of tensors is expected: save the "
            + "network's state_dict there, as torch.save({\"ema\": model.state_dict(), …}, path)",
        "whole-module-wrapped.pth":
            "under \"model\" is an object of class models.yolo.Model where a dictionary of tensors is expected: save the "
            + "network's state_dict there, as torch.save({\"model\": model.state_dict(), …}, path)",
        "whole-module.pth":
            "the pickle holds an object of class \"torchvision.models.alexnet.AlexNet\" at offset 39, not only tensors: save "
            + "the weights alone with torch.save(model.state_dict(), path)",
        "whole-optimizer.pth":
            "no dictionary of tensors was found, neither at the top nor under a key such as state_dict or model; the keys "
            + "are: \"optimizer (torch.optim.sgd.SGD)\", \"args (argparse.Namespace)\"",
    ]

    @Test(arguments: refusalsAsWeights.keys.sorted())
    func `An object in place of a weight is refused by name where the network needs it`(_ name: String) throws {
        let checkpoint = try Checkpoint(bytes: try CheckpointFixtures.bytes(name, in: CheckpointFixtures.hostile))
        #expect(checkpoint.tensors.names == ["fc.bias"])
        let kind = try #require(Self.refusalsAsWeights[name])
        let error = CheckpointError.notATensor(name: "fc.weight", found: kind)
        #expect(throws: error) { try ParameterSet(checkpoint) }
        #expect(throws: error) { try checkpoint.tensor("fc.weight", shape: [2, 3]) }
        #expect(error.description == "\"fc.weight\" is \(kind) where a tensor is expected")
    }

    static let refusalsAsWeights: [String: String] = [
        "object-extension.pth": "the result of extension 5",
        "object-function.pth": "the result of os.system",
        "object-global.pth": "the global os.system",
        "object-list.pth": "a list",
        "object-namespace.pth": "an object of class argparse.Namespace",
        "object-number.pth": "a number",
        "object-parameter-of-object.pth": "an object of class argparse.Namespace",
        "object-persistent.pth": "the result of persistent_load",
        "object-sparse.pth": "the result of torch._utils._rebuild_sparse_tensor",
        "object-subclass.pth": "an object of class torchao.Quantized",
        "object-text.pth": "a string",
        "object-wrapped.pth": "an object of class argparse.Namespace",
    ]
}
