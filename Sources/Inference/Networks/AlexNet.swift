/// AlexNet in its published and taught forms.
///
/// Every form has five convolutions and one or three linear layers, under any names. ``AlexNetGeometry`` finds what the
/// tensors do not say: the first convolution's padding and the input's size.
/// - Source: Krizhevsky, Sutskever and Hinton 2012, "ImageNet classification with deep convolutional neural networks"
///   (``Form/paper``, as Caffe and TensorFlow ship it); Krizhevsky 2014, arXiv:1404.5997, "One weird trick for
///   parallelizing convolutional neural networks" (``Form/torchvision``); Zhang et al., "Dive into Deep Learning", §8.1
///   (``Form/d2l``); the tutorials' networks for flowers, CIFAR and Fashion-MNIST (all others).
package enum AlexNet {
    /// The forms. The raw values are the names for `"architecture"` in `model.json`.
    package enum Form: String, Sendable, CaseIterable {
        /// Channels 48-128-192-192-128, features 2048-2048, input 3×224×224.
        case halfWidth = "alexnet_half_width"
        /// Channels 64-192-384-256-256, features 4096-4096, adaptive average pooling, input 3×224×224.
        case torchvision = "alexnet"
        /// Channels 96-256-384-384-256 in two groups, local response normalisation, input 3×227×227.
        case paper = "alexnet_2012"
        /// Channels 96-256-384-384-256 without groups, local response normalisation (k = 2), input 3×227×227.
        case oneTower = "alexnet_one_tower"
        /// Channels 96-256-384-384-256, batch normalisation after each convolution, input 3×227×227.
        case batchNormalized = "alexnet_bn"
        /// Channels 96-256-384-384-256 without groups, no padding in the first convolution, input 1×224×224.
        case oneChannel = "alexnet_one_channel"
        /// ``oneChannel`` with a padding of 1 in the first convolution, as in d2l.ai.
        case d2l = "alexnet_d2l"
        /// Channels 64-192-384-256-256, 3×3 kernels, for CIFAR's 3×32×32.
        case cifar = "alexnet_cifar"
        /// Channels 64-192-384-256-256, a first kernel of 11×11 with padding 5, one linear layer, for CIFAR's 3×32×32.
        case cifarLargeKernel = "alexnet_cifar_11x11"
    }

    /// Recognises the form that a checkpoint holds; nil if it is not an AlexNet.
    ///
    /// The form is decided by these properties, in this order:
    /// 1. the sizes of the kernels, the number of linear layers, batch normalisation;
    /// 2. groups: ``Form/paper``;
    /// 3. a grid of 5×5 before the first linear layer: ``Form/d2l`` where the network is one `nn.Sequential`, else
    ///    ``Form/oneChannel``;
    /// 4. numbers in the names that leave room for local response normalisation layers: ``Form/oneTower``;
    /// 5. the output channels of the first convolution: 48 ``Form/halfWidth``, 96 ``Form/oneTower``, else
    ///    ``Form/torchvision``.
    package static func form(of parameters: ParameterSet) -> Form? {
        let (convolutions, linears) = (parameters.convolutions, parameters.linears)
        let normalizations = parameters.normalizations
        guard convolutions.count == 5, [1, 3].contains(linears.count), [0, 5].contains(normalizations.count),
            parameters.layers.count == convolutions.count + linears.count + normalizations.count,
            convolutions.allSatisfy({ $0.weight.shape[2] == $0.weight.shape[3] })
        else { return nil }
        let kernelSizes = convolutions.map { $0.weight.shape[2] }
        let isGrouped = zip(convolutions, convolutions.dropFirst()).contains {
            $0.weight.shape[0] != $1.weight.shape[1]
        }
        let isNormalized = !normalizations.isEmpty
        if kernelSizes == [3, 3, 3, 3, 3] { return linears.count == 3 && !isGrouped && !isNormalized ? .cifar : nil }
        guard kernelSizes == [11, 5, 3, 3, 3] else { return nil }
        if linears.count == 1 {
            let isOnePixel = linears[0].weight.shape[1] == convolutions[4].weight.shape[0]
            return isOnePixel && !isGrouped && !isNormalized ? .cifarLargeKernel : nil
        }
        if isNormalized { return isGrouped ? nil : .batchNormalized }
        if isGrouped { return .paper }
        if linears[0].weight.shape[1] == convolutions[4].weight.shape[0] * 25 {
            return SequentialPlace(convolutions[0].name)?.container == "" ? .d2l : .oneChannel
        }
        if hasRoomForNormalization(parameters) == true { return .oneTower }
        switch convolutions[0].weight.shape[0] {
        case 48: return .halfWidth
        case 96: return .oneTower
        default: return .torchvision
        }
    }

    /// Whether the names leave room for a normalisation, besides activation and pooling, after each of the first two
    /// convolutions. Nil if the names do not tell.
    static func hasRoomForNormalization(_ parameters: ParameterSet) -> Bool? {
        let names = parameters.convolutions.map(\.name)
        guard names.count == 5, let first = SequentialPlace.gap(from: names[0], to: names[1]),
            let second = SequentialPlace.gap(from: names[1], to: names[2])
        else { return nil }
        switch (first, second) {
        case (2, 2): return false
        case (3, 3): return true
        default: return nil
        }
    }

    /// Builds the network from a checkpoint's parameters.
    ///
    /// - Throws: ``CheckpointError`` if a tensor's shape does not fit the form.
    package static func network(
        _ form: Form, _ parameters: ParameterSet, options: ArchitectureOptions = ArchitectureOptions()
    ) throws(CheckpointError) -> Network {
        let (convolutions, linears) = (parameters.convolutions, parameters.linears)
        let normalizations = parameters.normalizations
        guard convolutions.count == 5, linears.count == form.linearWidths.count + 1,
            normalizations.count == (form == .batchNormalized ? 5 : 0),
            parameters.layers.count == convolutions.count + linears.count + normalizations.count
        else {
            throw CheckpointError.differs(parameters, from: form)
        }
        let geometry = try AlexNetGeometry.geometry(of: form, parameters, options)
        let channels = convolutions[0].weight.shape[1]
        guard channels > 0 else { throw CheckpointError.differs(parameters, from: form) }
        let activation = (options.activation ?? .relu).layer
        let normalization = form.normalization(parameters, options)
        var builder = CheckpointNetworkBuilder(
            parameters, inputShape: [channels, geometry.input.height, geometry.input.width])
        for (index, convolution) in convolutions.enumerated() {
            let kernelSize = form.kernelSizes[index]
            try builder.convolution(
                convolution.name, outputChannels: form.widths[index], kernelSize: kernelSize,
                stride: index == 0 ? geometry.stride : 1, padding: index == 0 ? geometry.padding : kernelSize / 2,
                isGrouped: form == .paper, needsBias: form != .batchNormalized)
            if form == .batchNormalized { try builder.normalization(normalizations[index].name) }
            if let activation { try builder.add("relu\(index + 1)", activation) }
            if let normalization, index < 2 { try builder.add("norm\(index + 1)", normalization) }
            if [0, 1, 4].contains(index) {
                try builder.add(
                    "pool\(index + 1)", (options.pooling ?? .max).layer(size: geometry.poolSize, stride: 2))
            }
        }
        if form == .torchvision { try builder.add("avgpool", AdaptiveAvgPool2d(outputSize: 6)) }
        try builder.add("flatten", Flatten())
        for (index, linear) in linears.enumerated() {
            let isOutput = index == linears.count - 1
            if form.dropouts.contains(index) { try builder.add("dropout\(index + 6)", Dropout()) }
            try builder.linear(
                linear.name, outputFeatures: linear.weight.shape.extents.first ?? 1, isOutput: isOutput)
            if !isOutput, let activation { try builder.add("relu\(index + 6)", activation) }
        }
        return try builder.network()
    }
}

extension AlexNet.Form {
    /// The output channels of the convolutions as published.
    var widths: [Int] {
        switch self {
        case .halfWidth: [48, 128, 192, 192, 128]
        case .torchvision, .cifar, .cifarLargeKernel: [64, 192, 384, 256, 256]
        case .paper, .oneTower, .batchNormalized, .oneChannel, .d2l: [96, 256, 384, 384, 256]
        }
    }

    /// The output features of the hidden linear layers as published.
    fileprivate var linearWidths: [Int] {
        switch self {
        case .halfWidth: [2048, 2048]
        case .cifarLargeKernel: []
        default: [4096, 4096]
        }
    }

    /// The side of each convolution's square kernel. Units: pixels.
    var kernelSizes: [Int] { self == .cifar ? [3, 3, 3, 3, 3] : [11, 5, 3, 3, 3] }

    /// The number of groups of each convolution.
    fileprivate var groups: [Int] { self == .paper ? [1, 2, 1, 2, 2] : [1, 1, 1, 1, 1] }

    /// The names of the layers in published checkpoints: the convolutions, then the linear layers.
    fileprivate var layerNames: [String] {
        switch self {
        case .halfWidth, .torchvision, .cifar:
            [0, 3, 6, 8, 10].map { "features.\($0)" } + [1, 4, 6].map { "classifier.\($0)" }
        case .cifarLargeKernel: [0, 3, 6, 8, 10].map { "features.\($0)" } + ["classifier"]
        case .paper: (1...5).map { "conv\($0)" } + (6...8).map { "fc\($0)" }
        case .oneTower: [0, 4, 8, 10, 12].map { "net.\($0)" } + [1, 4, 6].map { "classifier.\($0)" }
        case .batchNormalized: (1...5).map { "layer\($0).0" } + ["fc.1", "fc1.1", "fc2.0"]
        case .oneChannel: [0, 3, 6, 8, 10].map { "conv.\($0)" } + [0, 3, 6].map { "fc.\($0)" }
        case .d2l: [0, 3, 6, 8, 10, 14, 17, 20].map { "\($0)" }
        }
    }

    /// The indices of the linear layers that have a dropout before them.
    fileprivate var dropouts: Set<Int> {
        switch self {
        case .halfWidth, .torchvision, .oneTower, .batchNormalized, .cifar: [0, 1]
        case .paper, .oneChannel, .d2l: [1, 2]
        case .cifarLargeKernel: []
        }
    }

    /// Whether this program has gradients for all its layers.
    package var isTrainable: Bool { self != .batchNormalized }

    /// The names and shapes of a new network's parameters, in the network's order. The names are those of published
    /// checkpoints.
    ///
    /// - Parameter inputChannels: nil for the published number.
    package func parameterShapes(inputChannels: Int? = nil, classCount: Int) -> [(name: String, shape: Shape)] {
        var shapes: [(name: String, shape: Shape)] = []
        func append(_ name: String, _ shape: Shape) {
            shapes += [(name + ".weight", shape), (name + ".bias", [shape[0]])]
        }
        var channels = inputChannels ?? inputShape[0]
        for (index, kernelSize) in kernelSizes.enumerated() {
            append(layerNames[index], [widths[index], channels / groups[index], kernelSize, kernelSize])
            channels = widths[index]
            if self == .batchNormalized {
                shapes += .normalization("layer\(index + 1).1", channels: channels)
            }
        }
        let grid = AlexNetGeometry.published(self)[0].grid(self) ?? Size2d(square: 6)
        var features = channels * (self == .torchvision ? 36 : grid.height * grid.width)
        for (index, width) in (linearWidths + [classCount]).enumerated() {
            append(layerNames[kernelSizes.count + index], [width, features])
            features = width
        }
        return shapes
    }

    /// The local response normalisation; nil if the network has none.
    ///
    /// Without an option, ``paper`` has Caffe's. ``oneTower`` has the paper's own (k = 2) if its names leave room for
    /// it.
    func normalization(_ parameters: ParameterSet, _ options: ArchitectureOptions) -> LocalResponseNorm? {
        let usual = self == .paper ? LocalResponseNorm() : LocalResponseNorm(k: 2)
        switch options.localResponseNorm {
        case .none: return nil
        case .described(let parameters): return parameters.layer(over: usual)
        case .usual:
            if self == .paper { return usual }
            guard self == .oneTower else { return nil }
            // If model.json names this form, the network has the normalisation, unless the names leave no room for it.
            return AlexNet.hasRoomForNormalization(parameters) ?? options.isNamed ? usual : nil
        }
    }
}

extension AlexNet.Form: Architecture {
    package var inputShape: Shape {
        let size = AlexNetGeometry.published(self)[0].input
        return [self == .oneChannel || self == .d2l ? 1 : 3, size.height, size.width]
    }

    package var preprocessing: Preprocessing.Preset {
        switch self {
        case .halfWidth, .cifar, .cifarLargeKernel: .stretch
        case .torchvision, .oneTower, .batchNormalized: .imagenet
        case .paper: .caffe
        case .oneChannel, .d2l: .unit
        }
    }

    package var options: Set<ArchitectureOptions.Key> {
        [.activation, .pooling, .poolSize, .padding, .inputSize, .localResponseNorm]
    }

    package func tensorShapes(inputChannels: Int, classCount: Int) -> [(name: String, shape: Shape)] {
        parameterShapes(inputChannels: inputChannels, classCount: classCount)
    }

    package func fits(_ parameters: ParameterSet) -> Bool { AlexNet.form(of: parameters) == self }

    package func network(_ parameters: ParameterSet, options: ArchitectureOptions) throws(CheckpointError) -> Network {
        try AlexNet.network(self, parameters, options: options)
    }

    package func hasPublishedPreprocessing(_ parameters: ParameterSet) -> Bool {
        let channels = parameters.convolutions.first?.weight.shape[1]
        return switch self {
        case .halfWidth, .paper: channels == 3
        case .torchvision: channels == 3 && hasPublishedWidths(parameters)
        case .oneChannel, .d2l: channels == 1
        case .oneTower, .batchNormalized, .cifar, .cifarLargeKernel: false
        }
    }

    /// Whether the convolutions have as many output channels as published.
    func hasPublishedWidths(_ parameters: ParameterSet) -> Bool {
        parameters.convolutions.map { $0.weight.shape[0] } == widths
    }
}
