/// A checkpoint's tensors, grouped as layers own them: a weight, the bias beside it, and what a normalisation remembers.
package struct ParameterSet {
    /// In the order of their names, numbers by value: `features.3` comes before `features.10`.
    package let layers: [Layer]
    private let indices: [String: Int]

    /// ResNet-152 has 932. They are put in order and compared with every known network.
    static let maxTensorCount = 1 << 14

    /// - Parameter packing: what becomes of linear layers' weights; nil leaves everything where it lies in the file.
    /// - Throws: ``CheckpointError`` when a tensor is no layer's, or a layer has not all of its own.
    init(_ checkpoint: Checkpoint, packing: WeightPacking?) throws(CheckpointError) {
        try Self.refuseQuantized(checkpoint.skipped)
        if let object = checkpoint.objects.first { throw .notATensor(name: object.name, found: object.kind) }
        try self.init(checkpoint.tensors, packing: packing)
    }

    /// The same with everything where it lies in the file.
    package init(_ checkpoint: Checkpoint) throws(CheckpointError) { try self.init(checkpoint, packing: nil) }

    /// Weights in eight bits would be missed later on under a name that says nothing of why.
    private static func refuseQuantized(_ skipped: [SkippedTensor]) throws(CheckpointError) {
        let parameters: [Suffix] = [.weight, .bias, .runningMean, .runningVariance]
        for tensor in skipped {
            let isParameter = parameters.contains { tensor.name.hasSuffix($0.rawValue) }
            if isParameter || QuantizedType.isQuantized(tensor.scalarName) {
                throw CheckpointError.quantizedTensor(name: tensor.name, found: tensor.scalarName)
            }
        }
    }

    /// The same for tensors of any origin.
    package init(_ tensors: StoredTensors) throws(CheckpointError) { try self.init(tensors, packing: nil) }

    init(_ tensors: StoredTensors, packing: WeightPacking?) throws(CheckpointError) {
        guard tensors.count <= Self.maxTensorCount else {
            throw CheckpointError.limitExceeded(
                what: "tensors for one network", found: tensors.count, limit: Self.maxTensorCount)
        }
        var parts: [Suffix: [String: StoredTensor]] = [:]
        for (name, tensor) in tensors {
            guard let suffix = Suffix.allCases.first(where: { name.hasSuffix($0.rawValue) }) else {
                throw CheckpointError.unexpectedTensor(name: name, shape: tensor.shape)
            }
            parts[suffix, default: [:]][String(name.dropLast(suffix.rawValue.count))] = tensor
        }
        let weights = parts[.weight] ?? [:]
        let unshared = packing == nil ? [] : tensors.namesOfUnshared
        for suffix in [Suffix.bias, .runningMean, .runningVariance] {
            for (stem, tensor) in parts[suffix] ?? [:] where weights[stem] == nil {
                // Statistics without anything else are no layer that is known here.
                if suffix != .bias, parts[.bias]?[stem] == nil {
                    throw CheckpointError.unexpectedTensor(name: stem + suffix.rawValue, shape: tensor.shape)
                }
                throw CheckpointError.missingTensor(name: stem + Suffix.weight.rawValue, expected: tensor.shape)
            }
        }
        var layers: [Layer] = []
        for (stem, weight) in NaturalOrder.sorted(weights, by: \.key) {
            let expected = Shape(Array(weight.shape.extents.prefix(1)))
            // Without a number in it a tensor may claim any extent, and no layer has such a one.
            guard weight.shape.elementCount > 0 else {
                throw CheckpointError.unexpectedTensor(name: stem + Suffix.weight.rawValue, shape: weight.shape)
            }
            /// - Parameter isNeeded: whether the layer cannot do without.
            func part(_ suffix: Suffix, isNeeded: Bool) throws(CheckpointError) -> StoredTensor? {
                guard let tensor = parts[suffix]?[stem] else {
                    guard !isNeeded else {
                        throw CheckpointError.missingTensor(name: stem + suffix.rawValue, expected: expected)
                    }
                    return nil
                }
                guard tensor.shape == expected else {
                    throw CheckpointError.shapeMismatch(
                        name: stem + suffix.rawValue, found: tensor.shape, expected: expected)
                }
                return tensor
            }
            let isNormalized = [.runningMean, .runningVariance].contains { (suffix: Suffix) in
                parts[suffix]?[stem] != nil
            }
            if isNormalized, weight.shape.rank != 1 {
                throw CheckpointError.shapeMismatch(
                    name: stem + Suffix.weight.rawValue, found: weight.shape, expected: expected)
            }
            // Only convolutions do without: a normalisation behind them would take their bias away again.
            let bias = try part(.bias, isNeeded: weight.shape.rank != 4)
            let mean = try part(.runningMean, isNeeded: isNormalized)
            let variance = try part(.runningVariance, isNeeded: isNormalized)
            layers.append(
                Layer(
                    name: stem, weight: weight, bias: bias,
                    statistics: mean.flatMap { mean in variance.map { (mean, $0) } }, packing: packing,
                    ownsWeight: unshared.contains(stem + Suffix.weight.rawValue)))
        }
        self.layers = layers
        indices = Dictionary(uniqueKeysWithValues: zip(layers.map(\.name), layers.indices))
    }

    /// What stands behind a layer's name.
    private enum Suffix: String, CaseIterable {
        case weight = ".weight"
        case bias = ".bias"
        case runningMean = ".running_mean"
        case runningVariance = ".running_var"
        /// How long a normalisation learned; no prediction depends on it.
        case batchCount = ".num_batches_tracked"
    }

    /// The layer of that name, if there is one.
    package subscript(name: String) -> Layer? { indices[name].map { layers[$0] } }

    /// The convolutions, in the order of their names.
    package var convolutions: [Layer] { layers.filter { $0.weight.shape.rank == 4 } }
    /// The linear layers, in the order of their names.
    package var linears: [Layer] { layers.filter { $0.weight.shape.rank == 2 } }
    /// The batch normalisations, in the order of their names.
    package var normalizations: [Layer] { layers.filter { $0.statistics != nil } }

    /// Every tensor that counts, layer by layer.
    var shapes: [(name: String, shape: Shape)] {
        layers.flatMap { layer in
            let parts: [(Suffix, StoredTensor?)] = [
                (.weight, layer.weight), (.bias, layer.bias), (.runningMean, layer.statistics?.mean),
                (.runningVariance, layer.statistics?.variance),
            ]
            return parts.compactMap { suffix, tensor in tensor.map { (layer.name + suffix.rawValue, $0.shape) } }
        }
    }
}
