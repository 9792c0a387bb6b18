import Testing

@testable import Inference

@Suite("Which network a checkpoint holds", .timeLimit(.minutes(2)))
struct ArchitecturesTests {
    private func recognize(_ tensors: [(name: String, shape: Shape)]) throws -> String {
        try Architectures.recognize(ParameterSet(StoredTensors(tensors))).architecture.name
    }

    private func tensors(_ name: String, channels: Int = 3, classCount: Int = 10) throws -> [(
        name: String, shape: Shape
    )] {
        try #require(Architectures.named(name)).tensorShapes(inputChannels: channels, classCount: classCount)
    }

    @Test func `the fixture holds all of torchvision's, and the published counts are those that everybody cites`() {
        let counts = Dictionary(uniqueKeysWithValues: ArchitectureFixture.all.map { ($0.name, $0.parameterCount) })
        #expect(counts["alexnet"] == 61_100_840)
        #expect(counts["vgg16"] == 138_357_544)
        #expect(counts["googlenet"] == 6_624_904)
        #expect(counts["resnet50"] == 25_557_032)
        #expect(
            Set(counts.keys)
                == Set(Architectures.all.map(\.name)).filter {
                    !$0.hasPrefix("lenet") && (!$0.hasPrefix("alexnet") || $0 == "alexnet")
                })
    }

    @Test func `names are unique`() {
        #expect(Set(Architectures.all.map(\.name)).count == Architectures.all.count)
        #expect(Architectures.named("resnet") == nil)
    }

    @Test(arguments: ArchitectureFixture.all)
    func `names, shapes and the number of parameters are torchvision's`(_ fixture: ArchitectureFixture) throws {
        let tensors = try tensors(fixture.name, classCount: 1000)
        #expect(tensors.count == fixture.tensorCount)
        #expect(ArchitectureFixture.digest(of: tensors) == fixture.digest)
        let learned = tensors.filter { !$0.name.contains(".running_") }
        #expect(learned.reduce(0) { $0 + $1.shape.elementCount } == fixture.parameterCount)
    }

    @Test func `LeNet-5 has 61,706 parameters`() throws {
        #expect(
            try tensors("lenet5", channels: 1).reduce(0) { $0 + $1.shape.elementCount } == 61_706)
    }

    @Test
    func `each is recognised, whatever its number of classes, in colour or grey, and whatever counted its batches`()
        throws
    {
        for architecture in Architectures.all where architecture.name != "lenet5_28" {
            // LeNet's padded form has the paper's tensors.
            let own = architecture.inputShape[0]
            for channels in architecture.name.contains("net5") || architecture.name.contains("alexnet")
                ? [own] : [1, 3]
            {
                var tensors = architecture.tensorShapes(inputChannels: channels, classCount: 7)
                tensors.append(("bn1.num_batches_tracked", []))
                #expect(try recognize(tensors) == architecture.name)
                let wrapped = tensors.map { (name: "module.model." + $0.name, shape: $0.shape) }
                #expect(try recognize(wrapped + [("criterion.weight", [7])]) == architecture.name)
            }
        }
        #expect(try recognize(tensors("lenet5_28", channels: 1)) == "lenet5")
    }

    @Test func `GoogLeNet's auxiliary heads are no part of it`() throws {
        let heads: [(name: String, shape: Shape)] = [
            ("aux1.conv.conv.weight", [128, 512, 1, 1]), ("aux1.fc1.weight", [1024, 2048]), ("aux1.fc1.bias", [1024]),
            ("aux2.fc2.weight", [10, 1024]), ("aux2.fc2.bias", [10]),
        ]
        #expect(try recognize(tensors("googlenet") + heads) == "googlenet")
        #expect(throws: CheckpointError.self) { try recognize(tensors("resnet18") + heads) }
    }

    @Test func `chains are recognised by order and shape, under the numbers that nn.Sequential gives`() throws {
        let lenet: [(name: String, shape: Shape)] = [
            ("0", [6, 1, 5, 5]), ("3", [16, 6, 5, 5]), ("7", [120, 400]), ("9", [84, 120]), ("11", [10, 84]),
        ]
        func named(_ prefixes: [String]) -> [(name: String, shape: Shape)] {
            zip(prefixes, lenet).flatMap { prefix, layer -> [(name: String, shape: Shape)] in
                [(prefix + ".weight", layer.shape), (prefix + ".bias", [layer.shape[0]])]
            }
        }
        #expect(try recognize(named(lenet.map(\.name))) == "lenet5_28")
        for names in [
            ["conv.0", "conv.3", "fc.0", "fc.2", "fc.4"],
            ["layer1.conv1", "layer2.conv2", "layer3.fc1", "layer3.fc2", "layer3.fc3"],
        ] {
            #expect(try recognize(named(names)) == "lenet5")
        }
        let vgg = try tensors("vgg16_bn").map { tensor in
            (name: "0." + tensor.name.replacing("classifier", with: "x.y"), shape: tensor.shape)
        }
        #expect(try recognize(vgg) == "vgg16_bn")
    }

    @Test func `where nothing fits, the closest is named, with the first differences and how many more there are`()
        throws
    {
        var stem = try tensors("resnet18")
        stem[0].shape = [64, 3, 3, 3]
        #expect(
            throws: CheckpointError.fitsNoArchitecture(
                closest: "resnet18",
                differences: [
                    .shapeMismatch(name: "conv1.weight", found: [64, 3, 3, 3], expected: [64, 3, 7, 7])
                ], count: 1)
        ) { try recognize(stem) }

        var tensors = try tensors("googlenet")
        tensors.removeAll { $0.name.hasPrefix("inception5b.branch4") }
        tensors.append(("extra.weight", [3, 3]))
        tensors.append(("extra.bias", [3]))
        let error = #expect(throws: CheckpointError.self) { try recognize(tensors) }
        #expect(
            error?.description
                == "the tensors fit no known network; the closest is googlenet, but tensor \"inception5b.branch4.1.conv.weight\" "
                + "of shape [128, 832, 1, 1] is missing; tensor \"inception5b.branch4.1.bn.weight\" of shape [128] is missing; "
                + "tensor \"inception5b.branch4.1.bn.bias\" of shape [128] is missing; tensor "
                + "\"inception5b.branch4.1.bn.running_mean\" of shape [128] is missing; and 3 more")

        var renamed = try self.tensors("wide_resnet50_2").map { (name: "backbone." + $0.name, shape: $0.shape) }
        #expect(try recognize(renamed) == "wide_resnet50_2")
        renamed.removeAll { $0.name == "backbone.fc.bias" }
        #expect(
            throws: CheckpointError.fitsNoArchitecture(
                closest: "wide_resnet50_2", differences: [.missingTensor(name: "fc.bias", expected: [10])], count: 1)
        ) { try recognize(renamed) }
    }

    @Test func `what is far from every network is named if its names tell, and no difference is told`() throws {
        let squeezeNet: [(name: String, shape: Shape)] = [
            ("features.0.weight", [96, 3, 7, 7]), ("features.0.bias", [96]),
            ("features.3.squeeze.weight", [16, 96, 1, 1]), ("features.3.squeeze.bias", [16]),
            ("classifier.1.weight", [10, 512, 1, 1]),
        ]
        #expect(
            throws: CheckpointError.unservedNetwork(
                looksLike: "SqueezeNet",
                examples: [
                    "classifier.1.weight [10, 512, 1, 1]", "features.0.weight [96, 3, 7, 7]", "features.0.bias [96]",
                ], count: 5)
        ) { try recognize(squeezeNet) }
        #expect(
            throws: CheckpointError.unservedNetwork(looksLike: nil, examples: ["w.weight [2, 2]"], count: 1)
        ) { try recognize([("w.weight", [2, 2])]) }
    }

    @Test(arguments: [
        ("a vision transformer", ["class_token", "encoder.layers.encoder_layer_0.ln_1.weight"]),
        ("Swin Transformer", ["features.0.0.weight", "features.1.0.attn.relative_position_bias_table"]),
        ("ConvNeXt", ["features.0.0.weight", "features.1.0.layer_scale"]),
    ])
    func `networks with tensors of other kinds are named too`(_ network: String, _ names: [String]) throws {
        let tensors = try StoredTensors(names.map { ($0, Tensor([2], scalars: [1, 2])) })
        #expect(
            throws: CheckpointError.unservedNetwork(
                looksLike: network, examples: names.map { "\($0) [2]" }, count: names.count)
        ) { try ParameterSet(tensors) }
    }

    @Test func `an architecture that model.json demands says what the file has otherwise`() throws {
        let parameters = try ParameterSet(StoredTensors(tensors("resnet18")))
        for (name, expected) in [
            ("resnet34", CheckpointError.missingTensor(name: "layer1.2.conv1.weight", expected: [64, 64, 3, 3])),
            ("googlenet", .missingTensor(name: "conv1.conv.weight", expected: [64, 3, 7, 7])),
        ] {
            let architecture = try #require(Architectures.named(name))
            #expect(throws: expected) { try architecture.network(parameters, options: ArchitectureOptions()) }
        }
        for name in ["vgg11", "lenet5", "alexnet"] {
            let architecture = try #require(Architectures.named(name))
            #expect(throws: CheckpointError.self) {
                try architecture.network(parameters, options: ArchitectureOptions())
            }
        }
        // A smaller network in a larger one's file: what is left over is named.
        let larger = try ParameterSet(StoredTensors(tensors("lenet5", channels: 1) + [("fc4.weight", [1, 1, 1, 1])]))
        #expect(throws: CheckpointError.self) {
            try LeNet.Form.paper.network(larger, options: ArchitectureOptions())
        }
    }

    @Test func `a variance below zero is refused by name, and one of zero is not`() throws {
        let tensors = try tensors("resnet18", classCount: 2)
        #expect(
            throws: CheckpointError.negativeVariance(name: "bn1.running_var", index: 0, value: "-1.0")
        ) {
            try ResNet.Form.resnet18.network(
                ParameterSet(StoredTensors(repeating: -1, tensors)), options: ArchitectureOptions())
        }
        let network = try ResNet.Form.resnet18.network(
            ParameterSet(StoredTensors(repeating: 0, tensors)), options: ArchitectureOptions())
        #expect(network.parameterCount == 11_689_512 - 998 * 513)
        #expect(network.outputShape == [2])
    }
}
