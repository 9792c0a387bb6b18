import Foundation
import Inference
import ModelTestSupport
import TestSupport
import Testing
import Threads

@testable import Training

@Suite(.timeLimit(.minutes(2))) struct InitialNetworkTests {
    private let tiny: TinyModel

    init() throws { tiny = try TinyModel(classCount: 3) }

    private func checkpoint() throws -> Checkpoint { try Checkpoint(contentsOf: tiny.path("model.safetensors")) }

    private func initial(
        classCount: Int = 3, architecture: String? = "alexnet_half_width", fromScratch: Set<String> = []
    ) throws -> InitialNetwork {
        try InitialNetwork(
            try checkpoint(), architecture: architecture, classNames: Self.classes(classCount),
            fromScratch: fromScratch)
    }

    private static func classes(_ count: Int) -> [String] { (0..<count).map { "class \($0)" } }

    /// The parameters of a checkpoint with other names.
    private func renamed(_ rename: (String) -> String) throws -> ParameterSet {
        let stored = try checkpoint()
        return try ParameterSet(
            StoredTensors(stored.tensors.map { (name: rename($0.name), tensor: $0.tensor.tensor()) }))
    }

    /// A network of the published widths, all zero.
    private static func published(_ architecture: some Architecture, prefix: String = "") throws -> ParameterSet {
        let shapes = architecture.tensorShapes(inputChannels: architecture.inputShape[0], classCount: 3)
        return try ParameterSet(
            StoredTensors(
                shapes.map { (name: prefix + $0.name, tensor: Tensor($0.shape) { $0.initialize(repeating: 0) }) }))
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

    @Test func `a checkpoint that is another architecture's is refused with both names and what differs`() throws {
        #expect {
            try initial(architecture: "alexnet_one_channel")
        } throws: { error in
            guard case TrainingError.otherArchitecture(_, let found, let asked, let differences) = error else {
                return false
            }
            return found == "alexnet" && asked == "alexnet_one_channel" && !differences.isEmpty
        }
        let error = #expect(throws: TrainingError.self) {
            try InitialNetwork(
                try Self.published(AlexNet.Form.halfWidth), file: "flowers.pth", architecture: "alexnet",
                classNames: Self.classes(3))
        }
        #expect(
            error?.description
                == "flowers.pth holds the network alexnet_half_width, but alexnet is asked for: tensor "
                + "\"features.0.weight\" has shape [48, 3, 11, 11] where [64, 3, 11, 11] is expected, tensor "
                + "\"features.3.weight\" has shape [128, 48, 5, 5] where [192, 64, 5, 5] is expected, and 6 more; omit "
                + "--model to train the alexnet_half_width")
    }

    @Test func `a network that is known but has no gradient is named, with those that can be trained`() throws {
        let known = try #require(Architectures.named("lenet5"))
        let error = #expect(throws: TrainingError.self) {
            try InitialNetwork(
                try Self.published(known), file: "digits.pth", architecture: nil, classNames: Self.classes(3))
        }
        #expect(
            error?.description
                == "digits.pth holds a lenet5, which can be served and evaluated, but not trained; those that can be trained "
                + "are alexnet_half_width, alexnet, alexnet_2012, alexnet_one_tower, alexnet_one_channel, alexnet_d2l, "
                + "alexnet_cifar, alexnet_cifar_11x11")
    }

    @Test(arguments: ["model.", "module.model.", "net."])
    func `whatever the file calls its layers, the network has its own names`(
        prefix: String
    ) throws {
        let parameters = try renamed { prefix + $0 }
        func initial(fromScratch: Set<String>) throws -> InitialNetwork {
            try InitialNetwork(
                parameters, file: "x.pth", architecture: "alexnet_half_width", classNames: Self.classes(3),
                fromScratch: fromScratch)
        }
        #expect(try bits(initial(fromScratch: []).network) == storedBits())
        // Layers may be named either way.
        for name in ["classifier.6", prefix + "classifier.6"] {
            #expect(try initial(fromScratch: [name]).fresh == ["classifier.6"])
        }
        let features = [0, 3, 6, 8, 10].map { "features.\($0)" }
        #expect(try initial(fromScratch: []).layers(named: ["features"]) == features)
        #expect(try initial(fromScratch: []).layers(named: [prefix + "features"]) == features)
        #expect(throws: TrainingError.self) { try initial(fromScratch: []).layers(named: ["fc8"]) }
    }

    // Classes

    @Test func `classes in another order take their rows along, and other classes begin anew`() throws {
        func initial(_ names: [String]) throws -> InitialNetwork {
            try InitialNetwork(
                try checkpoint(), architecture: "alexnet_half_width", classNames: Self.classes(3),
                checkpointClasses: names, fromScratch: [])
        }
        let stored = try #require(try storedBits()["classifier.6"])
        let (weights, biases) = (Array(stored.prefix(24)), Array(stored.suffix(3)))
        // The data's class 0 is the checkpoint's last, and so on.
        let reordered = try initial(["Class_1", "class 2", "class-0"])
        var expected: [UInt32] = []
        for row in [2, 0, 1] { expected += weights[row * 8..<row * 8 + 8] }
        for row in [2, 0, 1] { expected.append(biases[row]) }
        #expect(reordered.fresh.isEmpty)
        #expect(bits(reordered.network)["classifier.6"] == expected)
        #expect(reordered.notes.count == 1)
        #expect(try initial(Self.classes(3)).notes.isEmpty)
        #expect(try bits(initial(Self.classes(3)).network)["classifier.6"] == stored)
        #expect(try initial(["cat", "dog", "class 0"]).fresh == ["classifier.6"])
        // A map of another number of classes is another model's.
        #expect(try initial(["cat", "dog"]).fresh.isEmpty)
    }
}
