import Testing
import Threads

@testable import Inference

@Suite("The tutorial's Inception block, against PyTorch", .timeLimit(.minutes(2)))
struct InceptionBlockTests {
    private func network(_ fixture: NetworkFixture) throws -> Network {
        let parameters = try ParameterSet(Checkpoint(fixture.checkpoint(), name: "fixture"))
        var builder = CheckpointNetworkBuilder(parameters, inputShape: Shape(Array(fixture.inputShape.dropFirst())))
        // What all names begin with is taken for a wrapper's and is gone.
        try InceptionBlock(prefix: "").add(to: &builder)
        try builder.add("flatten", Flatten())
        return try builder.network()
    }

    @Test func `two blocks' worth of branches, folded or not, answer what PyTorch does`() throws {
        let fixture = try #require(NetworkFixture.blocks.first)
        let network = try network(fixture)
        for network in [network, network.foldingNormalizations()] {
            let outputs = Engine(network: network, workers: WorkerPool(threadCount: 2))(
                fixture.inputs.map(\.channelsLast))
            #expect(outputs.count == fixture.logits.count)
            for (output, expected) in zip(outputs, fixture.logits) {
                #expect(output.count == 16 * 5 * 6)
                #expect(largestDifference(output, expected) < 1e-5)
            }
        }
        #expect(network.nodes.count { $0.layer is BatchNorm2d } == 7)
    }

    @Test func `a branch that is missing is named`() throws {
        let parameters = try ParameterSet(
            StoredTensors([("block.branch1X1.conv.weight", [4, 6, 1, 1]), ("fc.weight", [1])]))
        var builder = CheckpointNetworkBuilder(parameters, inputShape: [6, 5, 6])
        #expect(throws: CheckpointError.missingTensor(name: "block.branch1X1.bn.weight", expected: [4])) {
            try InceptionBlock(prefix: "block.").add(to: &builder)
        }
    }
}
