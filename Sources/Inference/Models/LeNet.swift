/// LeNet-5 in the forms that are taught.
///
/// Two convolutions of 5×5, each with a pooling of 2×2 behind it, and three linear layers. Published with tanh and average
/// pools; PyTorch's own tutorial has rectifiers and max-pools, another one no activation at all (`layer1.conv1`), another
/// sigmoids: where `model.json` does not say, the keys `layer1.…` mean none and all others a rectifier.
/// - Source: LeCun, Bottou, Bengio and Haffner 1998, "Gradient-based learning applied to document recognition", §II.B.
package enum LeNet {
    /// The raw values are the names of `"architecture"` in `model.json`.
    package enum Form: String, Sendable, CaseIterable {
        /// The paper's 1×32×32.
        case paper = "lenet5"
        /// 3×32×32, for CIFAR-10.
        case colour = "lenet5_colour"
        /// MNIST's 1×28×28 with a padding of 2 around it; its tensors are those of ``paper``, so only `model.json` tells.
        case padded = "lenet5_28"
        /// 1×28×28 as it is: the maps before the linear layers are 4×4.
        case unpadded = "lenet5_28_unpadded"

        /// Height and width of the input.
        fileprivate var inputExtent: Int { self == .paper || self == .colour ? 32 : 28 }
        /// Rows and columns before the first linear layer.
        fileprivate var grid: Int { self == .unpadded ? 4 : 5 }
    }

    private static let kernelSize = 5
    /// The paper's output channels and features.
    private static let widths = (convolutions: [6, 16], linears: [120, 84])

    /// Two convolutions of 5×5 and three linear layers make a LeNet, whatever their widths and names; the grid before the
    /// first linear layer and the input's channels tell the form.
    static func form(of parameters: ParameterSet) -> Form? {
        let (convolutions, linears) = (parameters.convolutions, parameters.linears)
        guard parameters.layers.count == 5, convolutions.count == 2, linears.count == 3,
            convolutions.allSatisfy({ $0.weight.shape[2] == kernelSize && $0.weight.shape[3] == kernelSize }),
            convolutions[1].weight.shape[1] == convolutions[0].weight.shape[0]
        else { return nil }
        let channels = convolutions[1].weight.shape[0]
        switch (linears[0].weight.shape[1], convolutions[0].weight.shape[1]) {
        case (channels * 16, 1), (channels * 16, 3): return .unpadded
        case (channels * 25, 1): return .paper
        case (channels * 25, 3): return .colour
        default: return nil
        }
    }
}

extension LeNet.Form: Architecture {
    package var inputShape: Shape { [self == .colour ? 3 : 1, inputExtent, inputExtent] }
    package var preprocessing: Preprocessing.Preset { self == .colour ? .stretch : .unit }
    package var options: Set<ArchitectureOptions.Key> { [.activation, .pooling] }

    package func tensorShapes(inputChannels: Int, classCount: Int) -> [(name: String, shape: Shape)] {
        var shapes: [(name: String, shape: Shape)] = []
        var channels = inputChannels
        for (index, width) in LeNet.widths.convolutions.enumerated() {
            shapes.append(("conv\(index + 1).weight", [width, channels, LeNet.kernelSize, LeNet.kernelSize]))
            shapes.append(("conv\(index + 1).bias", [width]))
            channels = width
        }
        var features = channels * grid * grid
        for (index, width) in (LeNet.widths.linears + [classCount]).enumerated() {
            shapes += [("fc\(index + 1).weight", [width, features]), ("fc\(index + 1).bias", [width])]
            features = width
        }
        return shapes
    }

    package func fits(_ parameters: ParameterSet) -> Bool { LeNet.form(of: parameters) == self }

    package func network(_ parameters: ParameterSet, options: ArchitectureOptions) throws(CheckpointError) -> Network {
        let (convolutions, linears) = (parameters.convolutions, parameters.linears)
        guard convolutions.count == 2, linears.count == 3 else {
            throw CheckpointError.differs(parameters, from: self)
        }
        let isLinear = convolutions[0].name.hasPrefix("layer1.")
        let activation = (options.activation ?? (isLinear ? .none : .relu)).layer
        var builder = NetworkBuilder(
            parameters, inputShape: [convolutions[0].weight.shape[1], inputExtent, inputExtent])
        for (index, layer) in convolutions.enumerated() {
            try builder.convolution(
                layer.name, outputChannels: LeNet.widths.convolutions[index], kernelSize: LeNet.kernelSize,
                padding: self == .padded && index == 0 ? 2 : 0)
            if let activation { try builder.add("act\(index + 1)", activation) }
            try builder.add("pool\(index + 1)", pool(options.pooling ?? .max))
        }
        try builder.add("flatten", Flatten())
        for (index, layer) in linears.enumerated() {
            let isOutput = index == linears.count - 1
            try builder.linear(
                layer.name, outputFeatures: layer.weight.shape[0], isOutput: isOutput)
            if let activation, !isOutput { try builder.add("act\(index + 3)", activation) }
        }
        return try builder.network()
    }

    private func pool(_ pooling: ArchitectureOptions.Pooling) -> any Layer {
        switch pooling {
        case .max: MaxPool2d(kernelSize: 2, stride: 2)
        case .average: AvgPool2d(kernelSize: 2, stride: 2)
        }
    }
}
