/// A checkpoint's tensors, grouped by layer: weight, bias, running mean and running variance.
///
/// The names are relative to the network: a prefix that all layers share is that of a wrapper (`model.`, `backbone.`)
/// and is removed. Tensors of losses and metrics are left out.
package struct ParameterSet {
    /// The layers in natural order of their names: `features.3` comes before `features.10`.
    package let layers: [Layer]
    /// The prefix that was removed from all names, such as `model.`; empty if there was none.
    package let wrapper: String
    /// The names of tensors that were left out: those of losses, metrics and counters.
    package let leftOut: [String]
    private let indices: [String: Int]

    /// The most tensors. It limits the time to sort names and to compare them with every architecture; ResNet-152 has
    /// 932. Units: tensors.
    static let maxTensorCount = 1 << 14

    /// - Parameters:
    ///   - packing: how the weights of linear layers are packed; nil to leave all weights in the file's memory.
    ///   - prefix: only tensors whose names start with it are included; empty for all.
    /// - Throws: ``CheckpointError`` if a tensor belongs to no layer, a layer lacks a tensor, or no name has the
    ///   prefix.
    init(_ checkpoint: Checkpoint, packing: WeightPacking?, prefix: String = "") throws(CheckpointError) {
        try Self.refuseQuantized(checkpoint.skipped.filter { $0.name.hasPrefix(prefix) })
        let object = checkpoint.objects.first { $0.name.hasPrefix(prefix) && !TrainingTensor.hasName($0.name) }
        if let object { throw .notATensor(name: object.name, found: object.kind) }
        var quantizations = checkpoint.quantizations
        if !prefix.isEmpty {
            quantizations = Dictionary(
                uniqueKeysWithValues: quantizations.filter { $0.key.hasPrefix(prefix) }
                    .map { (String($0.key.dropFirst(prefix.count)), $0.value) })
        }
        try self.init(
            prefix.isEmpty ? checkpoint.tensors : checkpoint.tensors.under(prefix), packing: packing,
            quantizations: quantizations)
    }

    /// Includes all tensors and leaves them in the file's memory.
    package init(_ checkpoint: Checkpoint) throws(CheckpointError) { try self.init(checkpoint, packing: nil) }

    /// Refuses quantized weights here, where the error can give the reason. Later they would only be reported as
    /// missing.
    private static func refuseQuantized(_ skipped: [SkippedTensor]) throws(CheckpointError) {
        let parameters: [Suffix] = [.weight, .bias, .runningMean, .runningVariance]
        for tensor in skipped {
            let isParameter = parameters.contains { tensor.name.hasSuffix($0.rawValue) }
            if isParameter || QuantizedType.isQuantized(tensor.scalarName) {
                throw CheckpointError.quantizedTensor(name: tensor.name, found: tensor.scalarName)
            }
        }
    }

    /// Includes tensors of any origin and leaves them in their memory.
    package init(_ tensors: StoredTensors) throws(CheckpointError) { try self.init(tensors, packing: nil) }

    /// - Parameter quantizations: how quantized layers quantize what they read, by the layer's name.
    init(
        _ tensors: StoredTensors, packing: WeightPacking?, quantizations: [String: LayerQuantization] = [:]
    ) throws(CheckpointError) {
        guard tensors.count <= Self.maxTensorCount else {
            throw CheckpointError.limitExceeded(
                what: "tensors for one network", found: tensors.count, limit: Self.maxTensorCount)
        }
        var parts: [Suffix: [String: StoredTensor]] = [:]
        var leftOut: [String] = []
        for (name, tensor) in tensors {
            if TrainingTensor.hasName(name) {
                leftOut.append(name)
                continue
            }
            guard let suffix = Suffix.allCases.first(where: { name.hasSuffix($0.rawValue) }) else {
                // Transformers have tensors of their own kinds.
                if let network = UnservedNetwork.name(of: tensors.names) {
                    throw CheckpointError.unservedNetwork(
                        looksLike: network, tensors.map { ($0.name, $0.tensor.shape) })
                }
                throw CheckpointError.unexpectedTensor(name: name, shape: tensor.shape)
            }
            parts[suffix, default: [:]][String(name.dropLast(suffix.rawValue.count))] = tensor
        }
        let weights = parts[.weight] ?? [:]
        let unshared = packing == nil ? [] : tensors.namesOfUnshared
        for suffix in [Suffix.bias, .runningMean, .runningVariance] {
            for (stem, tensor) in parts[suffix] ?? [:] where weights[stem] == nil {
                // A running mean without weight and bias belongs to a batch normalisation without parameters, which is
                // not supported.
                if suffix != .bias, parts[.bias]?[stem] == nil {
                    throw CheckpointError.unexpectedTensor(name: stem + suffix.rawValue, shape: tensor.shape)
                }
                throw CheckpointError.missingTensor(name: stem + Suffix.weight.rawValue, expected: tensor.shape)
            }
        }
        var layers: [Layer] = []
        for (stem, weight) in NaturalOrder.sorted(weights, by: \.key) {
            let expected = Shape(Array(weight.shape.extents.prefix(1)))
            // An empty tensor may claim a shape of any size; no layer has one.
            guard weight.shape.elementCount > 0 else {
                throw CheckpointError.unexpectedTensor(name: stem + Suffix.weight.rawValue, shape: weight.shape)
            }
            /// - Parameter isNeeded: whether to throw an error if it is missing.
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
            // Whether a layer needs a bias is checked when the network is built: a convolution before a normalisation
            // has none.
            let bias = try part(.bias, isNeeded: isNormalized)
            let mean = try part(.runningMean, isNeeded: isNormalized)
            let variance = try part(.runningVariance, isNeeded: isNormalized)
            layers.append(
                Layer(
                    name: stem, weight: weight, bias: bias,
                    statistics: mean.flatMap { mean in variance.map { (mean, $0) } }, quantization: quantizations[stem],
                    packing: packing, ownsWeight: unshared.contains(stem + Suffix.weight.rawValue)))
        }
        self.init(layers, leftOut: leftOut)
    }

    /// A set of these layers. The prefix that all their names share is removed.
    init(_ layers: [Layer], leftOut: [String] = []) {
        let wrapper = Self.wrapper(of: layers.map(\.name))
        self.init(
            wrapper.isEmpty ? layers : layers.map { $0.renamed(String($0.name.dropFirst(wrapper.count))) },
            wrapper: wrapper, leftOut: leftOut)
    }

    private init(_ layers: [Layer], wrapper: String, leftOut: [String]) {
        self.layers = layers
        self.wrapper = wrapper
        self.leftOut = leftOut
        indices = Dictionary(zip(layers.map(\.name), layers.indices)) { first, _ in first }
    }

    /// The leading components that all names share. Each name keeps at least its last component.
    private static func wrapper(of names: [String]) -> String {
        guard var shared = names.first?.split(separator: ".", omittingEmptySubsequences: false).dropLast()[...] else {
            return ""
        }
        for name in names.dropFirst() {
            let parts = name.split(separator: ".", omittingEmptySubsequences: false).dropLast()
            let count = zip(shared, parts).prefix { $0 == $1 }.count
            shared = shared.prefix(count)
            if shared.isEmpty { return "" }
        }
        return shared.map { $0 + "." }.joined()
    }

    /// The same layers under other names, sorted by the new names.
    ///
    /// - Parameter layer: returns the renamed layer, or nil to keep it as it is.
    /// - Returns: nil if two layers would have the same name.
    func renamed(_ layer: (Layer) -> Layer?) -> ParameterSet? {
        let renamed = NaturalOrder.sorted(layers.map { layer($0) ?? $0 }, by: \.name)
        guard Set(renamed.map(\.name)).count == renamed.count else { return nil }
        return ParameterSet(renamed, wrapper: wrapper, leftOut: leftOut)
    }

    /// The suffix of a tensor's name, which tells its role in the layer.
    private enum Suffix: String, CaseIterable {
        case weight = ".weight"
        case bias = ".bias"
        case runningMean = ".running_mean"
        case runningVariance = ".running_var"
        /// The number of batches that a batch normalisation saw in training. No prediction depends on it.
        case batchCount = ".num_batches_tracked"
    }

    /// The layer of this name; nil if there is none.
    package subscript(name: String) -> Layer? { indices[name].map { layers[$0] } }

    /// The convolutions, in the order of their names.
    package var convolutions: [Layer] { layers.filter { $0.weight.shape.rank == 4 } }
    /// The linear layers, in the order of their names.
    package var linears: [Layer] { layers.filter { $0.weight.shape.rank == 2 } }
    /// The batch normalisations, in the order of their names.
    package var normalizations: [Layer] { layers.filter { $0.statistics != nil } }

    /// The names and shapes of all tensors, layer by layer.
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

extension ParameterSet {
    /// One layer's parameters as the checkpoint holds them.
    package struct Layer {
        /// The name without `.weight` or `.bias`, such as `features.0`.
        package let name: String
        /// The weight: a convolution's `[O, I, KH, KW]`, a linear layer's `[O, I]`, a normalisation's `[C]`.
        package let weight: StoredTensor
        /// The bias; nil for a convolution without one.
        package let bias: StoredTensor?
        /// A normalisation's `running_mean` and `running_var`; nil for other layers.
        let statistics: (mean: StoredTensor, variance: StoredTensor)?
        /// How the layer quantizes what it reads; nil for float32.
        let quantization: LayerQuantization?
        private let packing: WeightPacking?
        /// Whether the weight shares its bytes with no other tensor.
        private let ownsWeight: Bool

        init(
            name: String, weight: StoredTensor, bias: StoredTensor?,
            statistics: (mean: StoredTensor, variance: StoredTensor)?, quantization: LayerQuantization?,
            packing: WeightPacking?, ownsWeight: Bool
        ) {
            self.name = name
            self.weight = weight
            self.bias = bias
            self.statistics = statistics
            self.quantization = quantization
            self.packing = packing
            self.ownsWeight = ownsWeight
        }

        /// The same parameters under another name.
        func renamed(_ name: String) -> Layer {
            Layer(
                name: name, weight: weight, bias: bias, statistics: statistics, quantization: quantization,
                packing: packing, ownsWeight: ownsWeight)
        }

        /// The same parameters under another name, with the weight in another shape of as many elements. Nil if the
        /// weight is not contiguous in memory.
        func reshaped(_ name: String, weight shape: Shape) -> Layer? {
            weight.reshaped(to: shape).map {
                Layer(
                    name: name, weight: $0, bias: bias, statistics: statistics, quantization: quantization,
                    packing: packing, ownsWeight: ownsWeight)
            }
        }

        /// Makes a convolution of these parameters.
        ///
        /// - Parameters:
        ///   - isGrouped: whether the weight may have fewer input channels than the layer, as in a grouped convolution.
        ///   - needsBias: whether to throw an error if the bias is missing.
        /// - Throws: ``CheckpointError`` if a tensor is missing, does not fit, or is not finite.
        func convolution(
            inputChannels: Int, kernelSize: Int, stride: Int = 1, padding: Int = 0, isGrouped: Bool = false,
            needsBias: Bool = true
        ) throws(CheckpointError) -> Conv2d {
            let shape = weight.shape
            let groups = shape.rank == 4 && shape[1] > 0 ? inputChannels / shape[1] : 0
            guard groups > 0, isGrouped || groups == 1, shape[1] * groups == inputChannels, shape[0] > 0,
                shape[0] % groups == 0, shape[2] == kernelSize, shape[3] == kernelSize
            else {
                throw CheckpointError.shapeMismatch(
                    name: name + ".weight", found: shape,
                    expected: [max(shape.extents.first ?? 1, 1), inputChannels, kernelSize, kernelSize])
            }
            try checkSumLength(shape.elementCount / shape[0])
            return Conv2d(
                weight: try detached(weight, "weight"),
                bias: needsBias || bias != nil ? try finiteBias() : nil, stride: Size2d(square: stride),
                padding: Size2d(square: padding), groups: groups, inputQuantization: quantization?.input,
                addendQuantization: quantization?.addend)
        }

        /// Makes a linear layer of these parameters. Call it once.
        ///
        /// If the weight is packed, its memory in the file is released, so that a large network is not in memory twice.
        ///
        /// - Parameter isOutput: whether this is the network's last layer.
        /// - Throws: ``CheckpointError`` if a tensor does not fit, or is not finite.
        func linear(inputFeatures: Int, isOutput: Bool) throws(CheckpointError) -> Linear {
            let shape = weight.shape
            guard shape.rank == 2, shape[1] == inputFeatures, shape[0] > 0 else {
                throw CheckpointError.shapeMismatch(
                    name: name + ".weight", found: shape, expected: [max(shape.extents.first ?? 1, 1), inputFeatures])
            }
            if let quantization, weight.isQuantized {
                try checkSumLength(inputFeatures)
                let bias = try finiteBias()
                let matrix = bias.withUnsafeScalars {
                    ByteMatrix(
                        outputs: shape[0], depth: inputFeatures, bias: $0, input: quantization.input,
                        workers: packing?.workers, withRows: weight.withRows)
                }
                return Linear(weight: .bytes(matrix), bias: bias)
            }
            let tensor = try finite(weight, "weight")
            guard let packing else { return Linear(weight: .float32(tensor), bias: try finiteBias()) }
            let packed = packing.pack(tensor, isOutput: isOutput)
            if ownsWeight { weight.discard() }
            return Linear(weight: .packed(packed), bias: try finiteBias())
        }

        /// Makes a batch normalisation of these parameters.
        ///
        /// - Throws: ``CheckpointError`` if a tensor is missing, does not fit, or is not finite, or if a variance is
        ///   negative.
        func normalization(channels: Int, epsilon: Double) throws(CheckpointError) -> BatchNorm2d {
            guard weight.shape == [channels] else {
                throw CheckpointError.shapeMismatch(name: name + ".weight", found: weight.shape, expected: [channels])
            }
            guard let statistics else {
                throw CheckpointError.missingTensor(name: name + ".running_mean", expected: [channels])
            }
            let variance = try finite(statistics.variance, "running_var")
            if let index = variance.scalars.firstIndex(where: { $0 < 0 }) {
                throw CheckpointError.negativeVariance(
                    name: name + ".running_var", index: index, value: "\(variance.scalars[index])")
            }
            return BatchNorm2d(
                weight: try finite(weight, "weight").copied(), bias: try finiteBias().copied(),
                runningMean: try finite(statistics.mean, "running_mean").copied(), runningVariance: variance.copied(),
                epsilon: epsilon)
        }

        /// Checks that the sums of a quantized layer cannot overflow.
        ///
        /// - Throws: ``CheckpointError/limitExceeded(what:found:limit:)``
        private func checkSumLength(_ count: Int) throws(CheckpointError) {
            guard quantization == nil || count <= ByteMatrix.maxDepth else {
                throw CheckpointError.limitExceeded(
                    what: "products in a sum of the quantized layer \(name)", found: count,
                    limit: ByteMatrix.maxDepth)
            }
        }

        private func finiteBias() throws(CheckpointError) -> Tensor {
            guard let bias else {
                throw CheckpointError.missingTensor(
                    name: name + ".bias", expected: Shape(Array(weight.shape.extents.prefix(1))))
            }
            return try detached(bias, "bias")
        }

        /// As ``finite(_:_:)``, but in memory of its own if linear layers' weights are packed: any view would keep the whole
        /// file in memory.
        private func detached(_ stored: StoredTensor, _ part: String) throws(CheckpointError) -> Tensor {
            try finite(packing == nil ? stored.tensor() : stored.ownTensor(), part)
        }

        /// The tensor in float32. NaN and infinity are refused at load, while the old model still serves.
        private func finite(_ stored: StoredTensor, _ part: String) throws(CheckpointError) -> Tensor {
            try finite(stored.tensor(), part)
        }

        private func finite(_ tensor: Tensor, _ part: String) throws(CheckpointError) -> Tensor {
            try tensor.checkFinite(name: "\(name).\(part)")
            return tensor
        }
    }
}
