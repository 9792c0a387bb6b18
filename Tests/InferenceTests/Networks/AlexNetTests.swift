import Testing
import Threads

@testable import Inference

/// One after the other: a network of 60 million parameters is made for each.
@Suite("AlexNet in its four forms, against PyTorch", .serialized, .timeLimit(.minutes(3)))
struct AlexNetTests {
    private static let forms: [String: AlexNet.Form] = [
        "half_width": .halfWidth, "torchvision": .torchvision, "paper": .paper, "one_channel": .oneChannel,
    ]

    @Test func `the fixture holds every form, and the paper's in both conventions`() {
        #expect(Set(NetworkFixture.all.map(\.form)) == Set(Self.forms.keys))
        #expect(NetworkFixture.all.count == 5)
    }

    @Test(arguments: NetworkFixture.all)
    func `the form is inferred, and its logits are PyTorch's`(_ fixture: NetworkFixture) throws {
        let checkpoint = try Checkpoint(fixture.checkpoint(), name: "fixture")
        let parameters = try ParameterSet(checkpoint)
        let form = try #require(AlexNet.form(of: parameters))
        #expect(form == Self.forms[fixture.form])
        let network = try AlexNet.network(form, parameters, options: fixture.options)
        #expect(network.inputShape.extents == Array(fixture.inputShape.dropFirst()))
        let engine = Engine(network: network, workers: WorkerPool(threadCount: 2))
        for (output, expected) in zip(engine(fixture.inputs.map(\.channelsLast)), fixture.logits) {
            #expect(largestDifference(output, expected) < 1e-4)
        }
    }

    @Test func `both spellings of the half-width network's keys are understood`() throws {
        let fixture = try #require(NetworkFixture.all.first { $0.form == "half_width" })
        let checkpoint = try Checkpoint(fixture.checkpoint(usingOtherNames: true), name: "fixture")
        #expect(checkpoint.tensors["features.conv1.0.weight"] != nil)
        let parameters = try ParameterSet(checkpoint)
        #expect(parameters.layers.map(\.name).prefix(2) == ["classifier.1", "classifier.4"])
        let network = try AlexNet.network(
            try #require(AlexNet.form(of: parameters)), parameters)
        let engine = Engine(network: network, workers: WorkerPool(threadCount: 2))
        #expect(largestDifference(engine(fixture.inputs.map(\.channelsLast))[0], fixture.logits[0]) < 1e-4)
    }

    @Test func `the two conventions of normalisation differ measurably, so that neither test can pass with the other`()
        throws
    {
        let caffe = try #require(NetworkFixture.all.first { $0.name == "paper_caffe" })
        let tensorflow = try #require(NetworkFixture.all.first { $0.name == "paper_tensorflow" })
        #expect(largestDifference(caffe.logits[0], tensorflow.logits[0]) > 5e-4)
    }
}
