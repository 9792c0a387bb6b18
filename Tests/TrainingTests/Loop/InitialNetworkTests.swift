import Foundation
import Inference
import TestSupport
import Testing

@testable import Training

@Suite struct InitialNetworkTests {
    private let tiny: TinyModel

    init() throws { tiny = try TinyModel(classCount: 3) }

    private func checkpoint() throws -> Checkpoint { try Checkpoint(contentsOf: tiny.path("model.safetensors")) }

    private func initial(
        classCount: Int = 3, architecture: String? = "alexnet_half_width", fromScratch: Set<String> = []
    ) throws -> InitialNetwork {
        try InitialNetwork(
            try checkpoint(), architecture: architecture, classCount: classCount, fromScratch: fromScratch)
    }

    /// Every layer's numbers as bits, by the layer's name.
    private func bits(_ network: Network) -> [String: [UInt32]] {
        let learners = network.nodes.filter { !$0.layer.parameters.isEmpty }
        return Dictionary(
            uniqueKeysWithValues: learners.map { node in
                (node.name, node.layer.parameters.flatMap { $0.scalars.map(\.bitPattern) })
            })
    }

    private func storedBits() throws -> [String: [UInt32]] {
        let stored = try checkpoint()
        var bits: [String: [UInt32]] = [:]
        for name in stored.tensors.names where name.hasSuffix(".weight") {
            let stem = String(name.dropLast(".weight".count))
            for suffix in [".weight", ".bias"] {
                bits[stem, default: []] += try #require(stored.tensors[stem + suffix]).tensor().scalars.map(
                    \.bitPattern)
            }
        }
        return bits
    }

    @Test func `all layers begin with the checkpoint where the classes are as many`() throws {
        let initial = try initial()
        #expect(initial.fresh.isEmpty)
        #expect(try bits(initial.network) == storedBits())
    }

    @Test(arguments: [2, 4, 1000]) func `with other classes the last layer begins anew, and no other`(count: Int) throws
    {
        let initial = try initial(classCount: count)
        #expect(initial.fresh == ["classifier.6"])
        #expect(initial.network.outputShape == [count])
        let network = initial.initialized(.kaiming, seed: 1, workers: WorkerPool(threadCount: 1))
        let (found, stored) = (bits(network), try storedBits())
        for (name, values) in stored where name != "classifier.6" { #expect(found[name] == values, "\(name)") }
        #expect(found["classifier.6"]?.count == count * 9)
        #expect(Set(found["classifier.6"] ?? []).count > count * 4)
    }

    @Test func `the layers that are named begin anew too, convolutions as well`() throws {
        let initial = try initial(classCount: 4, fromScratch: ["features.10", "classifier.4"])
        #expect(Set(initial.fresh) == ["features.10", "classifier.4", "classifier.6"])
        let network = initial.initialized(.kaiming, seed: 1, workers: WorkerPool(threadCount: 1))
        let (found, stored) = (bits(network), try storedBits())
        for (name, values) in stored { #expect((found[name] == values) == !initial.fresh.contains(name), "\(name)") }
        let again = initial.initialized(.kaiming, seed: 1, workers: WorkerPool(threadCount: 2))
        #expect(bits(again) == found)
    }

    @Test func `what is unknown is named`() throws {
        #expect {
            try initial(fromScratch: ["fc8", "features.0"])
        } throws: { error in
            guard case TrainingError.unknownLayers(let names, let known) = error else { return false }
            return names == ["fc8"] && known.count == 8
        }
        #expect(throws: TrainingError.self) { try initial(architecture: "alexnot") }
        #expect(throws: TrainingError.self) { try InitialNetwork(architecture: "", classCount: 2) }
    }

    @Test func `a checkpoint that is another architecture's is refused`() throws {
        #expect {
            try initial(architecture: "alexnet_one_channel")
        } throws: { error in
            if case TrainingError.checkpoint = error { true } else { false }
        }
    }
}
