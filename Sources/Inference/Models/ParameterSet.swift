/// A checkpoint's tensors, grouped as layers own them: a weight, and the bias beside it.
package struct ParameterSet {
    /// One layer's parameters as they stand in the file.
    package struct Layer {
        /// The name without `.weight` and `.bias`, as `features.0`.
        package let name: String
        package let weight: StoredTensor
        package let bias: StoredTensor
        fileprivate let packing: WeightPacking?

        /// The weight in float32. NaN and infinity are refused at load, where the old model still serves.
        func finiteWeight() throws(CheckpointError) -> Tensor { detached(try viewedWeight()) }

        /// The bias in float32.
        func finiteBias() throws(CheckpointError) -> Tensor {
            detached(try Self.finite(bias, name: name + ".bias"))
        }

        /// The weight of a linear layer, in the precision that is asked for.
        ///
        /// - Parameter isOutput: whether the layer's outputs are the network's.
        func finiteLinearWeight(isOutput: Bool) throws(CheckpointError) -> Linear.Weight {
            let tensor = try viewedWeight()
            return packing.map { .packed($0.pack(tensor, isOutput: isOutput)) } ?? .float32(tensor)
        }

        private func viewedWeight() throws(CheckpointError) -> Tensor {
            try Self.finite(weight, name: name + ".weight")
        }

        /// Where the large weights are packed, a view of the few that are left would keep the whole file in memory.
        private func detached(_ tensor: Tensor) -> Tensor { packing == nil ? tensor : tensor.copied() }

        private static func finite(_ stored: StoredTensor, name: String) throws(CheckpointError) -> Tensor {
            let tensor = stored.tensor()
            try tensor.checkFinite(name: name)
            return tensor
        }
    }

    /// In the order of their names, numbers by value: `features.3` comes before `features.10`.
    package let layers: [Layer]

    /// - Parameter packing: what becomes of linear layers' weights; nil leaves everything where it lies in the file.
    /// - Throws: ``CheckpointError`` when a tensor is neither weight nor bias, or one of the two is missing.
    init(_ checkpoint: Checkpoint, packing: WeightPacking? = nil) throws(CheckpointError) {
        try self.init(checkpoint.tensors, packing: packing)
    }

    /// The same for tensors of any origin.
    package init(_ tensors: StoredTensors) throws(CheckpointError) { try self.init(tensors, packing: nil) }

    private init(_ tensors: StoredTensors, packing: WeightPacking?) throws(CheckpointError) {
        var weights: [String: StoredTensor] = [:]
        var biases: [String: StoredTensor] = [:]
        for (name, tensor) in tensors {
            if let stem = Self.stem(of: name, suffix: ".weight") {
                weights[stem] = tensor
            } else if let stem = Self.stem(of: name, suffix: ".bias") {
                biases[stem] = tensor
            } else {
                throw CheckpointError.unexpectedTensor(name: name, shape: tensor.shape)
            }
        }
        for (stem, bias) in biases where weights[stem] == nil {
            throw CheckpointError.missingTensor(name: stem + ".weight", expected: bias.shape)
        }
        var layers: [Layer] = []
        for stem in weights.keys.sorted(by: Self.isOrderedNaturally) {
            guard let weight = weights[stem] else { continue }
            let biasShape = Shape(Array(weight.shape.extents.prefix(1)))
            guard let bias = biases[stem] else {
                throw CheckpointError.missingTensor(name: stem + ".bias", expected: biasShape)
            }
            guard bias.shape == biasShape else {
                throw CheckpointError.shapeMismatch(name: stem + ".bias", found: bias.shape, expected: biasShape)
            }
            layers.append(Layer(name: stem, weight: weight, bias: bias, packing: packing))
        }
        self.layers = layers
    }

    private static func stem(of name: String, suffix: String) -> String? {
        name.hasSuffix(suffix) ? String(name.dropLast(suffix.count)) : nil
    }

    /// Compares runs of digits by their value and everything else by its characters.
    private static func isOrderedNaturally(_ left: String, _ right: String) -> Bool {
        let (a, b) = (pieces(of: left), pieces(of: right))
        for (x, y) in zip(a, b) where x != y {
            if x.isNumber, y.isNumber, x.text.count != y.text.count { return x.text.count < y.text.count }
            return x.text < y.text
        }
        return a.count < b.count
    }

    private struct Piece: Equatable {
        var text: String
        let isNumber: Bool
    }

    private static func pieces(of name: String) -> [Piece] {
        var pieces: [Piece] = []
        for character in name {
            let isDigit = character.isASCII && character.isNumber
            if let last = pieces.last, last.isNumber == isDigit {
                pieces[pieces.count - 1].text.append(character)
            } else {
                pieces.append(Piece(text: String(character), isNumber: isDigit))
            }
        }
        return pieces
    }
}
