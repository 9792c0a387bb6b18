/// Converts weights from TensorFlow's memory layout to PyTorch's.
///
/// TensorFlow's convolution kernels are `[H, W, I, O]` (I per group), PyTorch's `[O, I, KH, KW]`. Matrices are
/// `[in, out]` instead of `[out, in]`. Feature maps are flattened in the order `[H, W, C]` instead of `[C, H, W]`, so
/// the rows of the first matrix after the convolutions are permuted as well.
///
/// - Source: `tf.nn.conv2d` (filter), `tf.nn.xw_plus_b`, and caffe-tensorflow's `kaffe/transformers.py`
///   (`ParameterNamer`, `DataReshaper`), which wrote the dictionaries that are in circulation.
enum TensorFlowLayout {
    /// The layers' tensors in PyTorch's layout, in natural order of the layers' names.
    ///
    /// - Throws: ``CheckpointError/invalidLayout(name:found:expected:)`` where the inputs of the first matrix are not
    ///   square feature maps of the last convolution's channels.
    static func converted(_ layers: [ArrayLayer]) throws(CheckpointError) -> [(name: String, tensor: StoredTensor)] {
        let layers = NaturalOrder.sorted(layers, by: \.name)
        let channels = layers.last { $0.weight.shape.rank == 4 }?.weight.shape[3]
        let firstMatrix = layers.first { $0.weight.shape.rank == 2 }?.name
        var tensors: [(name: String, tensor: StoredTensor)] = []
        for layer in layers {
            let name = layer.name + ".weight"
            if layer.weight.shape.rank == 4 {
                tensors.append((name, try layer.weight.permuted([3, 2, 0, 1], name: name)))
            } else if let channels, layer.name == firstMatrix {
                tensors.append((name, try matrixBehindMaps(layer.weight, channels: channels, name: name)))
            } else {
                tensors.append((name, try layer.weight.permuted([1, 0], name: name)))
            }
            if let bias = layer.bias { tensors.append((layer.name + ".bias", bias)) }
        }
        return tensors
    }

    /// Converts `[H·W·C, out]` to `[out, C·H·W]` as a float32 copy.
    private static func matrixBehindMaps(
        _ weight: StoredTensor, channels: Int, name: String
    ) throws(CheckpointError) -> StoredTensor {
        let (inputs, outputs) = (weight.shape[0], weight.shape[1])
        let places = channels > 0 && inputs.isMultiple(of: channels) ? inputs / channels : 0
        let extent = Int(Double(places).squareRoot())
        // Limited so that the square does not overflow: an array without elements may claim any size.
        guard places > 0, extent < 1 << 16, extent * extent == places else {
            throw .invalidLayout(
                name: name, found: "\(inputs) inputs", expected: "a square number of times \(channels) channels")
        }
        if extent == 1 { return try weight.permuted([1, 0], name: name) }
        let maps = try StoredTensor(
            name: name, scalarType: weight.scalarType, extents: [extent, extent, channels, outputs],
            strides: [extent * channels, channels, 1].map { $0 * weight.strides[0] } + [weight.strides[1]],
            storageOffset: weight.storageOffset, storage: weight.storage)
        return try maps.permuted([3, 2, 0, 1], name: name).tensor().reshaped(to: [outputs, inputs]).stored(as: name)
    }
}

extension StoredTensor {
    /// The same elements with the axes in another order.
    fileprivate func permuted(_ axes: [Int], name: String) throws(CheckpointError) -> StoredTensor {
        try StoredTensor(
            name: name, scalarType: scalarType, extents: axes.map { shape[$0] }, strides: axes.map { strides[$0] },
            storageOffset: storageOffset, storage: storage)
    }
}
