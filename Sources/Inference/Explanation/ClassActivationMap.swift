/// Where a network saw what speaks for a class: Grad-CAM.
///
/// The gradient of the class's logit with respect to the last feature map says how much each channel matters; the map is
/// the sum of the channels, weighted by their mean gradients, without its negative part.
///
/// - Source: Selvaraju et al. 2017, arXiv:1610.02391, §3
public struct ClassActivationMap: Sendable, Equatable {
    /// The layer whose output is explained, with the ReLU after it: `features.10`.
    public let layer: String
    /// Units: values of the feature map.
    public let width: Int
    /// Units: values of the feature map.
    public let height: Int
    /// Row by row, from 0 to 1: the largest value is 1, unless all are 0 because nothing speaks for the class.
    public let values: [Float]
}

/// What a network made of one image, for people who ask why.
public struct Explanation: Sendable {
    /// The network's outputs before the softmax, as ``Model/logits(_:)`` computes them.
    public let logits: [Float]
    /// The class that is explained.
    public let classIndex: Int
    /// What speaks for the class.
    public let map: ClassActivationMap
    /// The outputs of the first convolution; nil if there is none.
    public let firstLayer: FeatureMaps?
}

/// The outputs of a convolution for one image.
public struct FeatureMaps: Sendable {
    /// The convolution's name, such as `features.0`.
    public let layer: String
    /// Shape: `[C, H, W]`.
    public let values: Tensor
}

/// Why an image cannot be explained.
public enum ExplanationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The class is not one of the model's.
    case unknownClass(Int, count: Int)
    /// No layer has an output with rows and columns, after which the network is a chain.
    case noFeatureMap
    /// A layer after the last feature map has no gradient here.
    case unsupportedLayer(String)

    /// One sentence.
    public var description: String {
        switch self {
        case .unknownClass(let index, let count):
            "There is no class \(index); the model's classes are 0 to \(count - 1)."
        case .noFeatureMap: "The network has no feature map with rows and columns before its classifier."
        case .unsupportedLayer(let layer): "The layer \(layer) after the last feature map cannot be explained."
        }
    }
}

extension Model {
    /// Explains a class for one image.
    ///
    /// It takes one run of the network and the gradient of its last layers: about twice as long as a prediction.
    ///
    /// - Parameters:
    ///   - image: `[H, W, C]`, as ``preprocessing`` makes it.
    ///   - classIndex: nil for the most probable class.
    public func explanation(of image: Tensor, classIndex: Int?) throws(ExplanationError) -> Explanation {
        if let classIndex, !(0..<classes.count ~= classIndex) {
            throw .unknownClass(classIndex, count: classes.count)
        }
        let head = try ClassifierHead(network)
        let first = FirstConvolution(network)
        var wanted = head.recordedNodes
        if let first { wanted[first.reader] = network.shapes[first.node].elementCount }
        let run = engine.run(image, recording: wanted)
        let logits = classLogits(run.logits)
        let best = logits.indices.reduce(0) { logits[$1] > logits[$0] ? $1 : $0 }
        let target = classIndex ?? best
        var seed = [Float](repeating: 0, count: run.logits.count)
        if seed.count == logits.count {
            seed[target] = 1
        } else {
            // One output x for two classes, whose logits are 0 and x: what speaks against x speaks for the first class.
            seed[0] = target == 1 ? 1 : -1
        }
        let (features, gradient) = try head.featureGradient(seed, outputs: run.logits, recorded: run.inputs)
        return Explanation(
            logits: logits, classIndex: target, map: head.map(features, gradient),
            firstLayer: first.flatMap { first in
                run.inputs[first.reader].map {
                    FeatureMaps(layer: first.name, values: .channelsFirst($0, network.shapes[first.node]))
                }
            })
    }

    /// The first convolution's filters, `[O, C, KH, KW]`; nil if there is no convolution.
    public var firstFilters: Tensor? {
        network.nodes.lazy.compactMap { ($0.layer as? Conv2d)?.weight }.first
    }
}

/// The layers after a network's last feature map, which are a chain.
private struct ClassifierHead {
    private let network: Network
    /// The node whose output is explained.
    private let target: Int
    /// The layer that made the feature map: a convolution, or where branches end, what joins them.
    private let name: String

    init(_ network: Network) throws(ExplanationError) {
        self.network = network
        let shapes = network.shapes
        func isMap(_ node: Int) -> Bool { shapes[node].rank == 3 && shapes[node][1] * shapes[node][2] > 1 }
        // The chain at the end: each layer reads the one before it, and no convolution makes another feature map.
        var start = network.nodes.count
        while start > 0, network.nodes[start - 1].inputs == [start - 2],
            !(Self.isConvolution(network.nodes[start - 1].layer) && isMap(start - 1))
        {
            start -= 1
        }
        guard start > 0, isMap(start - 1) else { throw .noFeatureMap }
        name = network.nodes[start - 1].name
        // Normalisation and activation belong to the convolution before them.
        while start < network.nodes.count, Self.isElementwise(network.nodes[start].layer) { start += 1 }
        target = start - 1
    }

    private static func isConvolution(_ layer: any Layer) -> Bool { layer is Conv2d || layer is SummedConv2d }

    private static func isElementwise(_ layer: any Layer) -> Bool {
        layer is ReLU || layer is Sigmoid || layer is Tanh || layer is BatchNorm2d || layer is ChannelAffine
    }

    /// The layers whose inputs are needed, with the sizes of these. Units: values.
    var recordedNodes: [String: Int] {
        var counts: [String: Int] = [:]
        for node in network.nodes[(target + 1)...] {
            counts[node.name] = network.inputShapes(of: node)[0].elementCount
        }
        return counts
    }

    /// The feature map, and the gradient of the outputs with respect to it.
    ///
    /// Shape: both `[H, W, C]`.
    /// - Parameters:
    ///   - seed: the gradient with respect to the network's outputs.
    ///   - recorded: the inputs of the layers that ran; views and fused activations did not.
    func featureGradient(
        _ seed: [Float], outputs: [Float], recorded: [String: [Float]]
    ) throws(ExplanationError) -> (features: [Float], gradient: [Float]) {
        var gradient = seed
        var output = outputs
        for index in network.nodes.indices[(target + 1)...].reversed() {
            let node = network.nodes[index]
            guard let layer = node.layer as? any HeadLayer else { throw .unsupportedLayer(node.name) }
            let input = recorded[node.name] ?? output
            gradient = layer.inputGradient(
                gradient,
                HeadValues(
                    inputShape: network.inputShapes(of: node)[0], outputShape: network.shapes[index], input: input,
                    output: output))
            output = input
        }
        return (output, gradient)
    }

    func map(_ features: [Float], _ gradient: [Float]) -> ClassActivationMap {
        let shape = network.shapes[target]
        let (channels, pixels) = (shape[0], shape[1] * shape[2])
        var importance = [Float](repeating: 0, count: channels)
        for (index, value) in gradient.enumerated() { importance[index % channels] += value }
        var values = (0..<pixels).map { pixel in
            var sum: Float = 0
            for channel in 0..<channels { sum += importance[channel] * features[pixel * channels + channel] }
            return max(0, sum / Float(pixels))
        }
        if let largest = values.max(), largest > 0, largest.isFinite {
            values = values.map { $0 / largest }
        } else {
            values = values.map { _ in 0 }
        }
        return ClassActivationMap(layer: name, width: shape[2], height: shape[1], values: values)
    }
}

/// The first convolution, and the layer that reads its output once a ReLU is applied to it.
private struct FirstConvolution {
    let name: String
    /// The node whose output is shown.
    let node: Int
    /// The name of the layer that reads it.
    let reader: String

    init?(_ network: Network) {
        guard let convolution = network.nodes.firstIndex(where: { $0.layer is Conv2d }) else { return nil }
        func reader(of node: Int) -> Int? { network.nodes.firstIndex { $0.inputs.first == node } }
        guard var next = reader(of: convolution) else { return nil }
        var node = convolution
        while network.nodes[next].layer is ReLU {
            node = next
            guard let after = reader(of: next) else { return nil }
            next = after
        }
        name = network.nodes[convolution].name
        self.node = node
        self.reader = network.nodes[next].name
    }
}

extension Tensor {
    /// From the order of the engine, `[H, W, C]`, to `[C, H, W]`.
    fileprivate static func channelsFirst(_ values: [Float], _ shape: Shape) -> Tensor {
        let (channels, pixels) = (shape[0], shape[1] * shape[2])
        return Tensor(shape, scalars: (0..<values.count).map { values[$0 % pixels * channels + $0 / pixels] })
    }
}
