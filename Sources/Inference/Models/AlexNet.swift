/// AlexNet in the four forms that people hold.
///
/// - Source: Krizhevsky, Sutskever and Hinton 2012, "ImageNet classification with deep convolutional neural networks"
///   (``Form/paper``, as Caffe and TensorFlow ship it); Krizhevsky 2014, arXiv:1404.5997, "One weird trick for
///   parallelizing convolutional neural networks" (``Form/torchvision``); the tutorials' half-width network
///   (``Form/halfWidth``) and their one-channel network for Fashion-MNIST (``Form/oneChannel``).
package enum AlexNet {
    /// The raw values are the names of `"architecture"` in `model.json`.
    package enum Form: String, Sendable, CaseIterable {
        /// 48-128-192-192-128, 2048-2048, input 3×224×224.
        case halfWidth = "alexnet_half_width"
        /// 64-192-384-256-256, 4096-4096, input 3×224×224, with an adaptive average pool.
        case torchvision = "alexnet"
        /// 96-256-384-384-256 in two groups, local response normalisation, input 3×227×227.
        case paper = "alexnet_2012"
        /// 96-256-384-384-256 without groups, the first convolution unpadded, input 1×224×224.
        case oneChannel = "alexnet_one_channel"

        /// How pictures become this form's input where `model.json` does not say.
        package var preprocessing: Preprocessing.Preset {
            switch self {
            case .halfWidth: .stretch
            case .torchvision: .imagenet
            case .paper: .caffe
            case .oneChannel: .unit
            }
        }

        /// Height and width of the input.
        fileprivate var inputExtent: Int { self == .paper ? 227 : 224 }

        /// Shape: `[C, H, W]`.
        package var inputShape: Shape { [self == .oneChannel ? 1 : 3, inputExtent, inputExtent] }

        /// The output channels of the convolutions, then those of the linear layers but the last.
        fileprivate var widths: [Int] {
            switch self {
            case .halfWidth: [48, 128, 192, 192, 128, 2048, 2048]
            case .torchvision: [64, 192, 384, 256, 256, 4096, 4096]
            case .paper, .oneChannel: [96, 256, 384, 384, 256, 4096, 4096]
            }
        }

        /// The groups of the convolutions.
        fileprivate var groups: [Int] { self == .paper ? [1, 2, 1, 2, 2] : [1, 1, 1, 1, 1] }

        /// The layers' names, as their papers' and tutorials' checkpoints have them.
        fileprivate var layerNames: [String] {
            switch self {
            case .halfWidth, .torchvision:
                [0, 3, 6, 8, 10].map { "features.\($0)" } + [1, 4, 6].map { "classifier.\($0)" }
            case .paper: (1...5).map { "conv\($0)" } + (6...8).map { "fc\($0)" }
            case .oneChannel: [0, 3, 6, 8, 10].map { "conv.\($0)" } + [0, 3, 6].map { "fc.\($0)" }
            }
        }

        /// Rows and columns before the first linear layer.
        fileprivate var grid: Int { self == .oneChannel ? 5 : 6 }

        /// Which of the three linear layers have a dropout before them.
        fileprivate var dropouts: Set<Int> { self == .halfWidth || self == .torchvision ? [0, 1] : [1, 2] }

        /// Padding of the first convolution.
        fileprivate var firstPadding: Int { self == .halfWidth || self == .torchvision ? 2 : 0 }
    }

    /// The kernels' extents, by which an AlexNet is known.
    private static let kernelSizes = [11, 5, 3, 3, 3]

    /// The parameters of a network that is to be trained, in its order; names as torchvision and the tutorials have them.
    package static func parameterShapes(_ form: Form, classCount: Int) -> [(name: String, shape: Shape)] {
        var shapes: [(name: String, shape: Shape)] = []
        func append(_ name: String, _ shape: Shape) {
            shapes += [(name + ".weight", shape), (name + ".bias", [shape[0]])]
        }
        var channels = form.inputShape[0]
        for (index, kernelSize) in kernelSizes.enumerated() {
            let width = form.widths[index]
            append(form.layerNames[index], [width, channels / form.groups[index], kernelSize, kernelSize])
            channels = width
        }
        var features = channels * form.grid * form.grid
        for (index, width) in (form.widths.suffix(2) + [classCount]).enumerated() {
            append(form.layerNames[kernelSizes.count + index], [width, features])
            features = width
        }
        return shapes
    }

    /// Which form a checkpoint holds; nil where it is no AlexNet.
    ///
    /// Five convolutions of 11, 5, 3, 3 and 3 and three linear layers make an AlexNet, whatever they are called.
    /// Groups tell the paper's; the grid before the first linear layer (5×5, not 6×6) the unpadded one; 48 first
    /// channels the half-width one.
    package static func form(of parameters: ParameterSet) -> Form? {
        let (convolutions, linears) = (parameters.convolutions, parameters.linears)
        guard parameters.layers.count == 8, linears.count == 3,
            convolutions.map({ $0.weight.shape[2] }) == kernelSizes,
            convolutions.map({ $0.weight.shape[3] }) == kernelSizes
        else { return nil }
        let isGrouped = zip(convolutions, convolutions.dropFirst()).contains {
            $0.weight.shape[0] != $1.weight.shape[1]
        }
        if isGrouped { return .paper }
        if linears[0].weight.shape[1] == convolutions[4].weight.shape[0] * 25 { return .oneChannel }
        return convolutions[0].weight.shape[0] == 48 ? .halfWidth : .torchvision
    }

    /// Builds the network around a checkpoint's parameters.
    ///
    /// - Throws: ``CheckpointError`` when a tensor's shape does not fit the form.
    package static func network(
        _ form: Form, _ parameters: ParameterSet, normalization: LocalResponseNorm
    ) throws(CheckpointError) -> Network {
        let (convolutions, linears) = (parameters.convolutions, parameters.linears)
        guard parameters.layers.count == 8, convolutions.count == 5, linears.count == 3,
            convolutions[0].weight.shape[1] > 0
        else {
            throw CheckpointError.differs(parameters, from: form)
        }
        var chain: [(name: String, layer: any Layer)] = []
        var channels = convolutions[0].weight.shape[1]
        let inputShape: Shape = [channels, form.inputExtent, form.inputExtent]
        for (index, convolution) in convolutions.enumerated() {
            let layer = try convolution.convolution(
                inputChannels: channels, kernelSize: kernelSizes[index], stride: index == 0 ? 4 : 1,
                padding: index == 0 ? form.firstPadding : kernelSizes[index] / 2, isGrouped: true)
            channels = layer.outputChannels
            chain.append((convolution.name, layer))
            chain.append(("relu\(index + 1)", ReLU()))
            if form == .paper, index < 2 { chain.append(("norm\(index + 1)", normalization)) }
            if [0, 1, 4].contains(index) { chain.append(("pool\(index + 1)", MaxPool2d(kernelSize: 3, stride: 2))) }
        }
        if form == .torchvision { chain.append(("avgpool", AdaptiveAvgPool2d(outputSize: 6))) }
        chain.append(("flatten", Flatten()))
        var features = channels * form.grid * form.grid
        for (index, linear) in linears.enumerated() {
            let layer = try linear.linear(inputFeatures: features, isOutput: index == linears.count - 1)
            features = layer.outputFeatures
            if form.dropouts.contains(index) { chain.append(("dropout\(index + 6)", Dropout())) }
            chain.append((linear.name, layer))
            if index < 2 { chain.append(("relu\(index + 6)", ReLU())) }
        }
        do {
            return try Network(inputShape: inputShape, chain: chain)
        } catch {
            throw CheckpointError.unknownArchitecture(found: [error.description])
        }
    }
}

extension AlexNet.Form: Architecture {
    package func tensorShapes(inputChannels: Int, classCount: Int) -> [(name: String, shape: Shape)] {
        var shapes = AlexNet.parameterShapes(self, classCount: classCount)
        let first = shapes[0].shape
        shapes[0].shape = [first[0], inputChannels, first[2], first[3]]
        return shapes
    }

    package func fits(_ parameters: ParameterSet) -> Bool { AlexNet.form(of: parameters) == self }

    package func network(_ parameters: ParameterSet, options: ArchitectureOptions) throws(CheckpointError) -> Network {
        try AlexNet.network(self, parameters, normalization: options.localResponseNorm)
    }
}
