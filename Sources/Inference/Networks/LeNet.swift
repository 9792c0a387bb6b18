/// LeNet-5 in the forms that are taught.
///
/// Two 5×5 convolutions, each followed by 2×2 pooling, and three linear layers. The paper has tanh and average pooling.
/// PyTorch's tutorial has ReLU and max pooling, another tutorial (`layer1.conv1`) has no activation, and d2l.ai has
/// sigmoid and average pooling. Their tensors have the same shapes, so the names decide, unless `model.json` does.
/// - Source: LeCun, Bottou, Bengio and Haffner 1998, "Gradient-based learning applied to document recognition", §II.B;
///   Zhang et al., "Dive into Deep Learning", §7.6.
package enum LeNet {
    /// The forms. The raw values are the names for `"architecture"` in `model.json`.
    package enum Form: String, Sendable, CaseIterable {
        /// Input 1×32×32, as in the paper.
        case paper = "lenet5"
        /// Input 3×32×32, for CIFAR-10.
        case colour = "lenet5_colour"
        /// Input 1×28×28 (MNIST) with padding 2, as in d2l.ai. The tensors are those of ``paper``.
        case padded = "lenet5_28"
        /// Input 1×28×28 (MNIST) without padding: the feature maps before the linear layers are 4×4.
        case unpadded = "lenet5_28_unpadded"

        /// Padding of the first convolution. Units: pixels.
        fileprivate var padding: Int { self == .padded ? 2 : 0 }
        /// Side of the feature maps before the first linear layer, as published. Units: pixels.
        fileprivate var grid: Int { self == .unpadded ? 4 : 5 }
    }

    private static let kernelSize = 5
    /// The paper's output channels and output features.
    private static let widths = (convolutions: [6, 16], linears: [120, 84])

    /// Recognises the form that a checkpoint holds; nil if it is not a LeNet.
    ///
    /// Two 5×5 convolutions and three linear layers are a LeNet, whatever their widths and names. The form follows from
    /// the grid before the first linear layer and from the input's channels. A single `nn.Sequential`, with plain
    /// numbers as names, is d2l.ai's.
    static func form(of parameters: ParameterSet) -> Form? {
        let (convolutions, linears) = (parameters.convolutions, parameters.linears)
        guard parameters.layers.count == 5, convolutions.count == 2, linears.count == 3,
            convolutions.allSatisfy({ $0.weight.shape[2] == kernelSize && $0.weight.shape[3] == kernelSize }),
            convolutions[1].weight.shape[1] == convolutions[0].weight.shape[0], let grid = grid(of: parameters)
        else { return nil }
        switch (grid, convolutions[0].weight.shape[1]) {
        case (4, 1), (4, 3): return .unpadded
        case (5, 1) where isD2L(parameters): return .padded
        case (_, 1): return .paper
        case (_, 3): return .colour
        default: return nil
        }
    }

    /// Side of the feature maps before the first linear layer; nil if its inputs are not a square for each channel.
    /// Units: pixels.
    fileprivate static func grid(of parameters: ParameterSet) -> Int? {
        guard let features = parameters.linears.first?.weight.shape[1],
            let channels = parameters.convolutions.last?.weight.shape[0], channels > 0, features % channels == 0
        else { return nil }
        // The largest input that preprocessing makes is 4096×4096.
        return (1...1024).first { $0 * $0 >= features / channels }.flatMap {
            $0 * $0 == features / channels ? $0 : nil
        }
    }

    /// Whether the whole network is one `nn.Sequential` with the numbers 0, 3, 7, 9 and 11.
    fileprivate static func isD2L(_ parameters: ParameterSet) -> Bool {
        parameters.layers.map(\.name) == ["0", "3", "7", "9", "11"]
    }

    /// Whether the convolutions are in one `nn.Sequential` and the linear layers in another, as in `conv.0` and `fc.0`.
    fileprivate static func isInTwoContainers(_ parameters: ParameterSet) -> Bool {
        parameters.layers.map(\.name) == ["conv.0", "conv.3", "fc.0", "fc.2", "fc.4"]
    }
}

extension LeNet.Form: Architecture {
    package var inputShape: Shape {
        let extent = extent(grid: grid, padding: padding)
        return [self == .colour ? 3 : 1, extent, extent]
    }
    package var preprocessing: Preprocessing.Preset { self == .colour ? .stretch : .unit }
    package var options: Set<ArchitectureOptions.Key> { [.activation, .pooling, .padding, .inputSize] }

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
        let activation = usualActivation(parameters, options).layer
        let (extent, padding) = try geometry(parameters, options)
        var builder = CheckpointNetworkBuilder(
            parameters, inputShape: [convolutions[0].weight.shape[1], extent, extent])
        for (index, layer) in convolutions.enumerated() {
            try builder.convolution(
                layer.name, outputChannels: LeNet.widths.convolutions[index], kernelSize: LeNet.kernelSize,
                padding: index == 0 ? padding : 0)
            if let activation { try builder.add("act\(index + 1)", activation) }
            try builder.add("pool\(index + 1)", usualPooling(parameters, options).layer(size: 2, stride: 2))
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

    /// Side of the square input that gives a grid of this size. Units: pixels.
    private func extent(grid: Int, padding: Int) -> Int { ((grid * 2 + 4) * 2 + 4) - 2 * padding }

    /// The side of the square input, and the first convolution's padding. Units: pixels.
    ///
    /// - Throws: ``CheckpointError/unsuitableInput(reason:)`` if the options contradict the first linear layer.
    private func geometry(
        _ parameters: ParameterSet, _ options: ArchitectureOptions
    ) throws(CheckpointError) -> (extent: Int, padding: Int) {
        guard let grid = LeNet.grid(of: parameters) else { throw CheckpointError.differs(parameters, from: self) }
        let unpadded = extent(grid: grid, padding: 0)
        if options.inputSize == nil, let size = options.preprocessedSize, size.height == size.width,
            size.height <= unpadded, (unpadded - size.height).isMultiple(of: 2),
            options.padding ?? (unpadded - size.height) / 2 == (unpadded - size.height) / 2
        {
            return (size.height, (unpadded - size.height) / 2)
        }
        guard let size = options.inputSize else {
            let padding = options.padding ?? padding
            let extent = extent(grid: grid, padding: padding)
            guard extent > 0 else {
                throw .unsuitableInput(reason: "a padding of \(padding) leaves no image within maps of \(grid)×\(grid)")
            }
            return (extent, padding)
        }
        let padding = options.padding ?? (unpadded - size.height) / 2
        guard size.height == size.width, padding >= 0, unpadded - 2 * padding == size.height else {
            throw .unsuitableInput(
                reason: "\"\(parameters.linears[0].name)\" takes maps of \(grid)×\(grid), which are made of "
                    + "\(unpadded)×\(unpadded), or of \(unpadded - 4)×\(unpadded - 4) with a padding of 2, not of \(size)"
                    + (options.padding.map { " with a padding of \($0)" } ?? ""))
        }
        return (size.height, padding)
    }

    /// The activation in the options, or else that of the tutorial whose names the checkpoint has.
    private func usualActivation(
        _ parameters: ParameterSet, _ options: ArchitectureOptions
    ) -> ArchitectureOptions.Nonlinearity {
        if let activation = options.activation { return activation }
        if LeNet.isD2L(parameters) || LeNet.isInTwoContainers(parameters) { return .sigmoid }
        let names = parameters.convolutions.map(\.name)
        if names[0].hasPrefix("layer1.") { return .none }
        // If the names leave room for one layer between the convolutions, it is the pooling, and there is no
        // activation.
        return SequentialPlace.gap(from: names[0], to: names[1]) == 1 ? .none : .relu
    }

    private func usualPooling(
        _ parameters: ParameterSet, _ options: ArchitectureOptions
    ) -> ArchitectureOptions.Pooling {
        options.pooling ?? (LeNet.isD2L(parameters) ? .average : .max)
    }

    package func assumptions(
        about network: Network, _ parameters: ParameterSet, options: ArchitectureOptions
    ) -> [Assumption] {
        let activation = usualActivation(parameters, options)
        let pooling = usualPooling(parameters, options)
        var assumptions: [Assumption] = []
        if options.activation == nil || options.pooling == nil {
            assumptions.append(
                Assumption(
                    "no tensor tells LeNet's activation and pooling: \(activation.rawValue) and \(pooling.rawValue) are taken; "
                        + "others have none, relu, tanh or sigmoid, and max or average",
                    line:
                        "\"activation\": \"\(activation.rawValue)\", \"pooling\": \"\(pooling.rawValue)\" (or what is right)"
                ))
        }
        if options.padding == nil, options.inputSize == nil, options.preprocessedSize == nil, !options.isNamed {
            let extent = network.inputShape[1]
            let other =
                padding == 0 ? "\(extent - 4)×\(extent - 4) with padding 2" : "\(extent + 4)×\(extent + 4) without"
            if self != .unpadded {
                assumptions.append(
                    Assumption(
                        "the input is taken to be \(extent)×\(extent) with padding \(padding) in the first convolution; "
                            + "\(other) fits the same tensors",
                        line: "\"input_size\": \(extent) (or what is right)"))
            }
        }
        return assumptions + network.gapAssumptions(line: "\"activation\": \"\(activation.rawValue)\"")
    }

    package func hasPublishedPreprocessing(_ parameters: ParameterSet) -> Bool {
        LeNet.grid(of: parameters) == grid && (self != .unpadded || parameters.convolutions[0].weight.shape[1] == 1)
    }
}
