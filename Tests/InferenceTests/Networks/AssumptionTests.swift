import Testing

@testable import Inference

/// Networks of zeros without their memory: names and shapes are all that counts here.
@Suite("What a checkpoint leaves open about its network", .timeLimit(.minutes(2)))
struct AssumptionTests {
    /// An AlexNet's tensors.
    ///
    /// - Parameters:
    ///   - names: of the five convolutions and the three linear layers.
    ///   - grid: rows and columns before the first linear layer.
    private func alexNet(
        _ names: [String], widths: [Int] = [96, 256, 384, 384, 256], channels: Int = 3, grid: Int = 6,
        kernelSizes: [Int] = [11, 5, 3, 3, 3]
    ) throws -> ParameterSet {
        var tensors: [(name: String, shape: Shape)] = []
        var before = channels
        for (index, width) in widths.enumerated() {
            let size = kernelSizes[index]
            tensors += [(names[index] + ".weight", [width, before, size, size]), (names[index] + ".bias", [width])]
            before = width
        }
        var features = before * grid * grid
        for (name, width) in zip(names.dropFirst(5), names.count == 6 ? [7] : [32, 32, 7]) {
            tensors += [(name + ".weight", [width, features]), (name + ".bias", [width])]
            features = width
        }
        return try ParameterSet(StoredTensors(repeating: 0, tensors))
    }

    private func recognize(
        _ parameters: ParameterSet, _ change: (inout ArchitectureOptions) -> Void = { _ in }
    ) throws -> RecognizedNetwork {
        var options = ArchitectureOptions()
        change(&options)
        let known = try Architectures.recognize(parameters)
        return try RecognizedNetwork(known.architecture, known.parameters, options: options)
    }

    private func firstConvolution(_ network: Network) throws -> Conv2d {
        try #require(network.nodes.first?.layer as? Conv2d)
    }

    private static let features = ["features.0", "features.3", "features.6", "features.8", "features.10"]
    private static let classifier = ["classifier.1", "classifier.4", "classifier.6"]
    private static let plain = ["0", "3", "6", "8", "10", "14", "17", "20"]
    private static let rooms = ["conv.0", "conv.3", "conv.6", "conv.8", "conv.10", "fc.0", "fc.3", "fc.6"]

    @Test(arguments: [1, 3], [plain.map { "net." + $0 }, plain, rooms])
    func `a 5×5 grid has a padding of 1 in one container, and of 0 in two, unless it is said; the other one is told`(
        _ channels: Int, _ names: [String]
    ) throws {
        let parameters = try alexNet(names, channels: channels, grid: 5)
        let usual = names == Self.rooms ? 0 : 1
        let network = try recognize(parameters)
        #expect(network.architecture == (usual == 1 ? "alexnet_d2l" : "alexnet_one_channel"))
        #expect(try firstConvolution(network.network).window.padding == Size2d(square: usual))
        #expect(network.assumptions.map(\.line) == ["\"padding\": \(usual) (or what is right)"])
        for padding in [0, 1] {
            let settled = try recognize(parameters) { $0.padding = padding }
            #expect(try firstConvolution(settled.network).window.padding == Size2d(square: padding))
            #expect(settled.network.inputShape == [channels, 224, 224])
            #expect(settled.assumptions.isEmpty)
        }
        let named = try recognize(parameters) { $0.isNamed = true }
        #expect(named.assumptions.isEmpty)
        #expect((network.preprocessingAssumption == nil) == (channels == 1))
    }

    @Test func `a padding that does not lead to the first linear layer is refused with the numbers`() throws {
        let parameters = try alexNet(Self.plain, channels: 1, grid: 5)
        let error = #expect(throws: CheckpointError.self) { try recognize(parameters) { $0.padding = 2 } }
        #expect(
            error?.description
                == "the network cannot take its input: with an input of 224×224 and a padding of 2 in \"0\" the last maps have "
                + "256·6·6 = 9216 numbers, and \"14\" takes 6400; say \"input_size\", \"padding\" or \"pool_size\" in model.json"
        )
    }

    @Test func `96 first channels are the paper's in one tower: 227×227 unpadded, and 224×224 padded by 2 is told`()
        throws
    {
        let parameters = try alexNet(Self.features + Self.classifier)
        let network = try recognize(parameters)
        #expect(network.architecture == "alexnet_one_tower")
        #expect(network.network.inputShape == [3, 227, 227])
        #expect(!network.network.nodes.contains { $0.layer is LocalResponseNorm })
        #expect(network.assumptions.map(\.line) == ["\"input_size\": 227, \"padding\": 0 (or what is right)"])
        for options in [{ $0.inputSize = 224 }, { $0.padding = 2 }, { $0.preprocessedSize = 224 }]
            as [(
                inout ArchitectureOptions
            ) -> Void]
        {
            let padded = try recognize(parameters, options)
            #expect(padded.network.inputShape == [3, 224, 224])
            #expect(try firstConvolution(padded.network).window.padding == 2)
        }
    }

    @Test func `numbers that leave room for a normalisation behind the first two ReLUs mean one, whatever the widths`()
        throws
    {
        let names = ["net.0", "net.4", "net.8", "net.10", "net.12"] + Self.classifier
        for widths in [[96, 256, 384, 384, 256], [48, 128, 192, 192, 128]] {
            let network = try recognize(try alexNet(names, widths: widths))
            #expect(network.architecture == "alexnet_one_tower")
            let layers = network.network.nodes.compactMap { $0.layer as? LocalResponseNorm }
            #expect(layers.map(\.k) == [2, 2])
            #expect(network.network.inputShape == (widths[0] == 96 ? [3, 227, 227] : [3, 224, 224]))
            #expect(network.assumptions.count == 2)
        }
        let parameters = try alexNet(names)
        let none = try recognize(parameters) { $0.localResponseNorm = .none }
        #expect(!none.network.nodes.contains { $0.layer is LocalResponseNorm })
        let changed = try recognize(parameters) {
            $0.localResponseNorm = .described(LocalResponseNormParameters(k: 1))
            $0.padding = 0
            $0.inputSize = 227
        }
        let layers = changed.network.nodes.compactMap { $0.layer as? LocalResponseNorm }
        #expect(layers.map(\.k) == [1, 1] && layers.map(\.size) == [5, 5])
        #expect(changed.assumptions.isEmpty)
    }

    @Test func `names without numbers leave the normalisation open`() throws {
        let names = (1...5).map { "conv\($0)" } + ["fc1", "fc2", "fc3"]
        let network = try recognize(try alexNet(names))
        #expect(network.assumptions.contains { $0.line.contains("local_response_norm") })
    }

    @Test func `torchvision's and the half-width network leave nothing open, and gaps that are not theirs are told`()
        throws
    {
        for widths in [[64, 192, 384, 256, 256], [48, 128, 192, 192, 128]] {
            #expect(try recognize(try alexNet(Self.features + Self.classifier, widths: widths)).assumptions.isEmpty)
            let shifted = ["features.0", "features.3", "features.6", "features.9", "features.12"] + Self.classifier
            let told = try recognize(try alexNet(shifted, widths: widths)).assumptions
            #expect(told.count == 2)
            #expect(
                told.first?.text
                    == "\"features.6\" and \"features.9\" leave room for 2 layers between them, where ReLU are assumed: compare "
                    + "with your network's code")
        }
        // Without dropouts, and with the pools outside of the containers: only what matters is told.
        let plain = Self.features + ["classifier.0", "classifier.2", "classifier.4"]
        #expect(try recognize(try alexNet(plain, widths: [64, 192, 384, 256, 256])).assumptions.isEmpty)
        let functional = ["features.0", "features.2", "features.4", "features.6", "features.8"] + Self.classifier
        #expect(try recognize(try alexNet(functional, widths: [64, 192, 384, 256, 256])).assumptions.count == 2)
    }

    @Test func `widths that were never published leave the input open`() throws {
        let network = try recognize(try alexNet(Self.features + Self.classifier, widths: [32, 64, 96, 96, 64]))
        #expect(network.architecture == "alexnet")
        #expect(network.assumptions.count == 1)
        #expect(network.preprocessingAssumption != nil)
    }

    @Test(arguments: [(2, 2, 32), (4, 1, 32), (3, 1, 32)])
    func `CIFAR's variants tell their stride by the grid`(_ grid: Int, _ stride: Int, _ extent: Int) throws {
        let parameters = try alexNet(
            Self.features + Self.classifier, widths: [64, 192, 384, 256, 256], grid: grid,
            kernelSizes: [3, 3, 3, 3, 3])
        let network = try recognize(parameters)
        #expect(network.architecture == "alexnet_cifar")
        #expect(try firstConvolution(network.network).window.stride == Size2d(square: stride))
        #expect(network.network.inputShape == [3, extent, extent])
    }

    @Test func `one linear layer behind one pixel is the network with the large first kernel`() throws {
        let parameters = try alexNet(
            Self.features + ["classifier"], widths: [64, 192, 384, 256, 256], grid: 1)
        let network = try recognize(parameters)
        #expect(network.architecture == "alexnet_cifar_11x11")
        #expect(network.network.inputShape == [3, 32, 32])
        #expect(network.network.shapes.contains([64, 8, 8]))
    }

    private func leNet(_ names: [String], channels: Int = 1, grid: Int = 5) throws -> ParameterSet {
        let shapes: [Shape] = [
            [6, channels, 5, 5], [16, 6, 5, 5], [120, 16 * grid * grid], [84, 120], [10, 84],
        ]
        return try ParameterSet(
            StoredTensors(
                repeating: 0,
                zip(names, shapes).flatMap { name, shape in
                    [(name + ".weight", shape), (name + ".bias", [shape[0]])] as [(name: String, shape: Shape)]
                }))
    }

    private func kinds(_ network: Network) -> [String] { network.nodes.map { "\(type(of: $0.layer))" } }

    @Test func `d2l.ai's LeNet is told by its plain numbers, and its activation, pooling and padding can be said`()
        throws
    {
        let parameters = try leNet(["0", "3", "7", "9", "11"])
        let network = try recognize(parameters)
        #expect(network.architecture == "lenet5_28")
        #expect(network.network.inputShape == [1, 28, 28])
        #expect(kinds(network.network).prefix(3) == ["Conv2d", "Sigmoid", "AvgPool2d"])
        #expect(network.assumptions.count == 2)
        let relu = try recognize(parameters) {
            ($0.activation, $0.pooling, $0.inputSize) = (.relu, .max, 32)
        }
        #expect(relu.network.inputShape == [1, 32, 32])
        #expect(kinds(relu.network).prefix(3) == ["Conv2d", "ReLU", "MaxPool2d"])
        #expect(relu.assumptions.isEmpty)
        #expect(throws: CheckpointError.self) {
            try recognize(parameters) {
                $0.inputSize = 30; $0.padding = 0
            }
        }
        #expect(throws: CheckpointError.self) { try recognize(parameters) { $0.inputSize = 33 } }
    }

    @Test func `every LeNet says which activation is taken, and a gap of one means none`() throws {
        for (names, activation) in [
            (["conv1", "conv2", "fc1", "fc2", "fc3"], "ReLU"),
            (["conv.0", "conv.3", "fc.0", "fc.2", "fc.4"], "Sigmoid"),
            (["layer1.conv1", "layer2.conv2", "layer3.fc1", "layer3.fc2", "layer3.fc3"], "MaxPool2d"),
            (["features.0", "features.2", "classifier.0", "classifier.1", "classifier.2"], "MaxPool2d"),
        ] {
            let network = try recognize(try leNet(names))
            #expect(kinds(network.network)[1] == activation, "\(names)")
            #expect(network.assumptions.contains { $0.line.contains("\"activation\"") })
        }
        let large = try recognize(try leNet(["conv1", "conv2", "fc1", "fc2", "fc3"], channels: 3, grid: 53))
        #expect(large.network.inputShape == [3, 224, 224])
        #expect(large.preprocessingAssumption != nil)
    }

    @Test func `GoogLeNet's input transformation follows its auxiliary heads, and is told`() throws {
        let tensors = GoogLeNet.Form.googlenet.tensorShapes(inputChannels: 3, classCount: 4)
        let heads: [(name: String, shape: Shape)] = [("aux1.fc2.weight", [4, 1024]), ("aux1.fc2.bias", [4])]
        for (extra, transforms) in [([], true), (heads, false)] {
            let parameters = try ParameterSet(StoredTensors(repeating: 0, tensors + extra))
            let network = try recognize(parameters)
            #expect((network.network.nodes[0].layer is ChannelAffine) == transforms)
            #expect(network.assumptions.map(\.line) == ["\"transform_input\": \(transforms) (or what is right)"])
            let settled = try recognize(parameters) { $0.transformsInput = !transforms }
            #expect((settled.network.nodes[0].layer is ChannelAffine) == !transforms)
            #expect(settled.assumptions.isEmpty)
        }
    }

    @Test func `networks for grey images have no published preprocessing unless they are published for them`() throws {
        for (channels, isOpen) in [(1, true), (3, false)] {
            let tensors = ResNet.Form.resnet18.tensorShapes(inputChannels: channels, classCount: 2)
            let network = try recognize(try ParameterSet(StoredTensors(repeating: 0, tensors)))
            #expect((network.preprocessingAssumption != nil) == isOpen)
        }
    }
}
