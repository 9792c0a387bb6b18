extension ParameterSet {
    /// One layer's parameters as they stand in the file.
    package struct Layer {
        /// The name without `.weight` and `.bias`, as `features.0`.
        package let name: String
        package let weight: StoredTensor
        /// nil for a convolution that has none.
        package let bias: StoredTensor?
        /// A normalisation's `running_mean` and `running_var`.
        let statistics: (mean: StoredTensor, variance: StoredTensor)?
        private let packing: WeightPacking?
        /// Whether the weight's bytes are nobody else's.
        private let ownsWeight: Bool

        init(
            name: String, weight: StoredTensor, bias: StoredTensor?,
            statistics: (mean: StoredTensor, variance: StoredTensor)?, packing: WeightPacking?, ownsWeight: Bool
        ) {
            self.name = name
            self.weight = weight
            self.bias = bias
            self.statistics = statistics
            self.packing = packing
            self.ownsWeight = ownsWeight
        }

        /// The same parameters under another name.
        func renamed(_ name: String) -> Layer {
            Layer(
                name: name, weight: weight, bias: bias, statistics: statistics, packing: packing, ownsWeight: ownsWeight
            )
        }

        /// The same parameters with the weight in another shape of as many elements; nil where it does not lie in one piece.
        func reshaped(_ name: String, weight shape: Shape) -> Layer? {
            weight.reshaped(to: shape).map {
                Layer(
                    name: name, weight: $0, bias: bias, statistics: statistics, packing: packing, ownsWeight: ownsWeight
                )
            }
        }

        /// A convolution with these parameters.
        ///
        /// - Parameters:
        ///   - isGrouped: whether the weight's input channels may be a part of the layer's.
        ///   - needsBias: whether it is an error that there is none.
        /// - Throws: ``CheckpointError`` where a tensor is missing, does not fit, or is not finite.
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
            return Conv2d(
                weight: detached(try finite(weight, "weight")),
                bias: needsBias || bias != nil ? try finiteBias() : nil, stride: Size2d(square: stride),
                padding: Size2d(square: padding), groups: groups)
        }

        /// A linear layer with these parameters. Where its weight is packed the file's bytes of it are let go, so that the two
        /// forms of a large network are not in memory together: a layer is made once.
        ///
        /// - Parameter isOutput: whether the layer's outputs are the network's.
        /// - Throws: ``CheckpointError`` where a tensor does not fit, or is not finite.
        func linear(inputFeatures: Int, isOutput: Bool) throws(CheckpointError) -> Linear {
            let shape = weight.shape
            guard shape.rank == 2, shape[1] == inputFeatures, shape[0] > 0 else {
                throw CheckpointError.shapeMismatch(
                    name: name + ".weight", found: shape, expected: [max(shape.extents.first ?? 1, 1), inputFeatures])
            }
            let tensor = try finite(weight, "weight")
            guard let packing else { return Linear(weight: .float32(tensor), bias: try finiteBias()) }
            let packed = packing.pack(tensor, isOutput: isOutput)
            if ownsWeight { weight.discard() }
            return Linear(weight: .packed(packed), bias: try finiteBias())
        }

        /// A batch normalisation with these parameters.
        ///
        /// - Throws: ``CheckpointError`` where a tensor is missing or does not fit, is not finite, or a variance is below zero.
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

        private func finiteBias() throws(CheckpointError) -> Tensor {
            guard let bias else {
                throw CheckpointError.missingTensor(
                    name: name + ".bias", expected: Shape(Array(weight.shape.extents.prefix(1))))
            }
            return detached(try finite(bias, "bias"))
        }

        /// Where the large weights are packed, a view of the few that are left would keep the whole file in memory.
        private func detached(_ tensor: Tensor) -> Tensor { packing == nil ? tensor : tensor.copied() }

        /// In float32. NaN and infinity are refused at load, where the old model still serves.
        private func finite(_ stored: StoredTensor, _ part: String) throws(CheckpointError) -> Tensor {
            let tensor = stored.tensor()
            try tensor.checkFinite(name: "\(name).\(part)")
            return tensor
        }
    }
}
