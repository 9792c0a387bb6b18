import Testing

@testable import Inference

@Suite("Names that other libraries give to torchvision's layers", .timeLimit(.minutes(2)))
struct TensorSpellingTests {
    private func recognize(
        _ architecture: any Architecture, _ rename: (String) -> String
    ) throws -> (name: String, layers: [String]) {
        let tensors = architecture.tensorShapes(inputChannels: 3, classCount: 5).map {
            (name: rename($0.name), shape: $0.shape)
        }
        let found = try Architectures.recognize(ParameterSet(StoredTensors(repeating: 0, tensors)))
        return (found.architecture.name, found.parameters.layers.map(\.name))
    }

    private func layers(_ architecture: any Architecture) throws -> [String] {
        try ParameterSet(
            StoredTensors(repeating: 0, architecture.tensorShapes(inputChannels: 3, classCount: 5))
        ).layers.map(\.name)
    }

    @Test(arguments: ["", "model."])
    func `a head in an nn.Sequential is the head`(_ prefix: String) throws {
        for architecture in [ResNet.Form.resnet18, GoogLeNet.Form.googlenet] as [any Architecture] {
            let found = try recognize(architecture) { name in
                prefix + (name.hasPrefix("fc.") ? "fc.1" + name.dropFirst(2) : name)
            }
            #expect(found.name == architecture.name)
            #expect(try found.layers == layers(architecture))
        }
    }

    @Test func `a head of two layers is not one`() throws {
        let head: [(name: String, shape: Shape)] = [
            ("fc.0.weight", [64, 512]), ("fc.0.bias", [64]), ("fc.3.weight", [5, 64]), ("fc.3.bias", [5]),
        ]
        let tensors = ResNet.Form.resnet18.tensorShapes(inputChannels: 3, classCount: 5).dropLast(2) + head
        #expect(throws: CheckpointError.self) {
            try Architectures.recognize(ParameterSet(StoredTensors(repeating: 0, Array(tensors))))
        }
    }

    @Test func `a head beside its backbone is the head, whatever both are called`() throws {
        for (backbone, head) in [("backbone.", "classifier"), ("net.encoder.", "head.1"), ("features.", "fc")] {
            let found = try recognize(ResNet.Form.resnet50) { name in
                name.hasPrefix("fc.") ? head + name.dropFirst(2) : backbone + name
            }
            #expect(found.name == "resnet50")
            #expect(try found.layers == layers(ResNet.Form.resnet50))
        }
    }

    @Test(arguments: ["features.", ""])
    func `a Sequential of a ResNet's children has its layers by number`(_ prefix: String) throws {
        let numbers = ["conv1": "0", "bn1": "1", "layer1": "4", "layer2": "5", "layer3": "6", "layer4": "7"]
        let found = try recognize(ResNet.Form.resnet34) { name in
            let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
            if parts[0] == "fc" { return (prefix.isEmpty ? "9." : "head.") + parts[1] }
            return prefix + (numbers[parts[0]] ?? parts[0]) + "." + parts[1]
        }
        #expect(found.name == "resnet34")
        #expect(try found.layers == layers(ResNet.Form.resnet34))
    }

    /// torchvision's name in Hugging Face's Transformers.
    private func huggingFace(_ name: String) -> String {
        var parts = name.split(separator: ".").map(String.init)
        let part = parts.removeLast()
        func kind(_ layer: String) -> String { layer.hasPrefix("conv") ? "convolution" : "normalization" }
        switch parts[0] {
        case "fc": return "classifier.1." + part
        case "conv1", "bn1": return "resnet.embedder.embedder.\(kind(parts[0])).\(part)"
        default:
            let stage = (Int(parts[0].dropFirst(5)) ?? 0) - 1
            let block = "resnet.encoder.stages.\(stage).layers.\(parts[1])."
            if parts[2] == "downsample" {
                return block + "shortcut." + (parts[3] == "0" ? "convolution." : "normalization.") + part
            }
            let index = (parts[2].last?.wholeNumberValue ?? 0) - 1
            return block + "layer.\(index).\(kind(parts[2])).\(part)"
        }
    }

    @Test(arguments: [ResNet.Form.resnet18, .resnet50])
    func `Hugging Face's ResNets are torchvision's`(_ form: ResNet.Form) throws {
        for prefix in ["", "model."] {
            let found = try recognize(form) { prefix + huggingFace($0) }
            #expect(found.name == form.name)
            #expect(try found.layers == layers(form))
        }
    }

    @Test func `timm's VGG has its hidden linear layers as convolutions, row by row the same numbers`() throws {
        let names = ["classifier.0": "pre_logits.fc1", "classifier.3": "pre_logits.fc2", "classifier.6": "head.fc"]
        var tensors = VGG.Form.vgg11.tensorShapes(inputChannels: 3, classCount: 5).map { tensor in
            let stem = tensor.name.split(separator: ".").dropLast().joined(separator: ".")
            return (name: tensor.name.replacing(stem, with: names[stem] ?? stem), shape: tensor.shape)
        }
        for (index, tensor) in tensors.enumerated() where tensor.name.hasPrefix("pre_logits") && tensor.shape.rank == 2
        {
            let extent = tensor.name.contains("fc1") ? 7 : 1
            tensors[index].shape = [tensor.shape[0], tensor.shape[1] / extent / extent, extent, extent]
        }
        let values = tensors.map { name, shape in
            (name: name, tensor: Tensor(shape) { $0.initialize(repeating: 0) })
        }
        let found = try Architectures.recognize(ParameterSet(StoredTensors(values)))
        #expect(found.architecture.name == "vgg11")
        #expect(found.parameters["classifier.0"]?.weight.shape == [4096, 25088])
        #expect(try found.parameters.layers.map(\.name) == layers(VGG.Form.vgg11))
    }

    @Test func `two networks in one file are told apart by their prefixes, and one is chosen by it`() throws {
        let tensors = ResNet.Form.resnet18.tensorShapes(inputChannels: 3, classCount: 5)
        let both = try StoredTensors(
            repeating: 0, ["model.", "ema."].flatMap { prefix in tensors.map { (prefix + $0.name, $0.shape) } })
        #expect(
            throws: CheckpointError.severalNetworks(
                networks: ["\"ema.\" is resnet18", "\"model.\" is resnet18"], others: [])
        ) { try Architectures.recognize(ParameterSet(both)) }
        #expect(try Architectures.recognize(ParameterSet(both.under("ema."))).architecture.name == "resnet18")
        #expect(throws: CheckpointError.nothingUnderPrefix("teacher.")) { try both.under("teacher.") }

        let beside = try StoredTensors(
            repeating: 0, tensors.map { ("net." + $0.name, $0.shape) } + [("projector.weight", [8, 512])])
        #expect(
            throws: CheckpointError.severalNetworks(networks: ["\"net.\" is resnet18"], others: ["projector."])
        ) { try Architectures.recognize(ParameterSet(beside)) }
    }

    @Test func `reshaping keeps the order of the elements, and refuses what has gaps or another count`() throws {
        let tensor = Tensor([2, 2, 1, 2], scalars: [1, 2, 3, 4, 5, 6, 7, 8])
        let stored = try tensor.stored(as: "x")
        let flat = try #require(stored.reshaped(to: [2, 4]))
        #expect(flat.shape == [2, 4] && flat.strides == [4, 1])
        #expect(flat.tensor().scalars.elementsEqual([1, 2, 3, 4, 5, 6, 7, 8]))
        #expect(stored.reshaped(to: [3, 3]) == nil)
        let repeated = try StoredTensors(repeating: 1, [("y", [2, 2])])[0].tensor
        #expect(repeated.reshaped(to: [4]) == nil)
    }
}
