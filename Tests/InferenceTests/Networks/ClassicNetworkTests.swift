import Testing
import Threads

@testable import Inference

/// One after the other: some are whole networks.
@Suite("LeNet, VGG, GoogLeNet and ResNet, against PyTorch", .serialized, .timeLimit(.minutes(3)))
struct ClassicNetworkTests {
    @Test func `the fixture holds every family`() {
        #expect(
            NetworkFixture.classics.map(\.form) == [
                "lenet5", "lenet5_colour", "lenet5", "lenet5_28", "lenet5_28_unpadded", "vgg11", "vgg13_bn", "vgg16",
                "vgg19_bn", "resnet18", "resnext50_32x4d", "googlenet", "googlenet",
            ])
    }

    @Test(arguments: NetworkFixture.classics)
    func `the logits are PyTorch's, with normalisations folded and sums fused`(_ fixture: NetworkFixture) throws {
        let parameters = try ParameterSet(Checkpoint(fixture.checkpoint(), name: "fixture"))
        let architecture = try #require(Architectures.named(fixture.form))
        #expect(try Architectures.recognize(parameters).architecture.name == fixture.form)
        let described = try architecture.network(parameters, options: fixture.options)
        #expect(described.inputShape.extents == Array(fixture.inputShape.dropFirst()))
        let network = described.foldingNormalizations().fusingSums()
        #expect(!network.nodes.contains { $0.layer is BatchNorm2d })
        #expect(network.parameterCount == described.parameterCount)
        let engine = Engine(network: network, workers: WorkerPool(threadCount: 2))
        let largest = fixture.logits.joined().map(abs).max() ?? 0
        for (output, expected) in zip(engine(fixture.inputs.map(\.channelsLast)), fixture.logits) {
            #expect(largestDifference(output, expected) < 1e-4 * max(largest, 1))
        }
    }

    @Test func `a normalisation that stays by itself answers the same`() throws {
        let fixture = try #require(NetworkFixture.classics.first { $0.form == "vgg13_bn" })
        let network = try VGG.Form.vgg13Normalized.network(
            ParameterSet(Checkpoint(fixture.checkpoint(), name: "fixture")), options: ArchitectureOptions())
        #expect(network.nodes.count { $0.layer is BatchNorm2d } == 10)
        let engine = Engine(network: network, workers: WorkerPool(threadCount: 2))
        for (output, expected) in zip(engine(fixture.inputs.map(\.channelsLast)), fixture.logits) {
            #expect(largestDifference(output, expected) < 1e-4)
        }
    }

    @Test func `the tutorial's keys mean no activation, and model.json overrules that`() throws {
        let fixture = try #require(NetworkFixture.classics.first)
        let parameters = try ParameterSet(Checkpoint(fixture.checkpoint(), name: "fixture"))
        #expect(parameters.layers.first?.name == "layer1.conv1")
        var options = ArchitectureOptions()
        func kinds() throws -> [String] {
            try LeNet.Form.paper.network(parameters, options: options).nodes.map { "\(type(of: $0.layer))" }
        }
        #expect(
            try kinds() == ["Conv2d", "MaxPool2d", "Conv2d", "MaxPool2d", "Flatten", "Linear", "Linear", "Linear"])
        options.activation = .tanh
        options.pooling = .average
        #expect(
            try kinds() == [
                "Conv2d", "Tanh", "AvgPool2d", "Conv2d", "Tanh", "AvgPool2d", "Flatten", "Linear", "Tanh", "Linear",
                "Tanh", "Linear",
            ])
    }

    @Test func `a ResNet is cut between two blocks, and GoogLeNet before its branches`() throws {
        func head(_ form: String) throws -> String? {
            let fixture = try #require(NetworkFixture.classics.first { $0.form == form })
            let network = try #require(Architectures.named(form))
                .network(
                    ParameterSet(Checkpoint(fixture.checkpoint(), name: "fixture")), options: ArchitectureOptions()
                )
                .foldingNormalizations()
            return network.split { $0.layer is Conv2d && $1[1] * $1[2] <= 400 }?.tail.nodes.first?.name
        }
        #expect(try head("resnet18") == "layer3.1.conv1")
        #expect(try head("googlenet") == "inception4a.branch1.conv")
    }
}
