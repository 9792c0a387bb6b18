/// VGG with 11, 13, 16 or 19 layers with weights, with or without batch normalisation.
///
/// 3×3 convolutions in five blocks, each followed by max pooling, and three linear layers. Keys are torchvision's:
/// `features.0`, …, `classifier.{0,3,6}`. Other arrangements of `nn.Sequential` are recognised too.
/// - Source: Simonyan and Zisserman 2014, arXiv:1409.1556, table 1, columns A, B, D and E; `torchvision.models.vgg`.
package enum VGG {
    /// The forms. The raw values are the names for `"architecture"` in `model.json`.
    package enum Form: String, Sendable, CaseIterable {
        case vgg11, vgg13, vgg16, vgg19
        case vgg11Normalized = "vgg11_bn"
        case vgg13Normalized = "vgg13_bn"
        case vgg16Normalized = "vgg16_bn"
        case vgg19Normalized = "vgg19_bn"

        /// The number of convolutions in each block.
        fileprivate var blocks: [Int] {
            switch self {
            case .vgg11, .vgg11Normalized: [1, 1, 2, 2, 2]
            case .vgg13, .vgg13Normalized: [2, 2, 2, 2, 2]
            case .vgg16, .vgg16Normalized: [2, 2, 3, 3, 3]
            case .vgg19, .vgg19Normalized: [2, 2, 4, 4, 4]
            }
        }

        fileprivate var isNormalized: Bool {
            switch self {
            case .vgg11, .vgg13, .vgg16, .vgg19: false
            case .vgg11Normalized, .vgg13Normalized, .vgg16Normalized, .vgg19Normalized: true
            }
        }
    }

    /// The output channels of each block's convolutions.
    private static let widths = [64, 128, 256, 512, 512]
    /// The output features of the two hidden linear layers.
    private static let features = 4096
    /// Side of the feature maps before the first linear layer. Units: pixels.
    private static let grid = 7
}

extension VGG.Form: Architecture {
    package var inputShape: Shape { [3, 224, 224] }
    package var preprocessing: Preprocessing.Preset { .imagenet }
    package var options: Set<ArchitectureOptions.Key> { [.inputSize] }

    package func assumptions(
        about network: Network, _ parameters: ParameterSet, options: ArchitectureOptions
    ) -> [Assumption] {
        options.isNamed ? [] : network.gapAssumptions(line: "\"architecture\": \"\(name)\"")
    }

    package func tensorShapes(inputChannels: Int, classCount: Int) -> [(name: String, shape: Shape)] {
        var shapes: [(name: String, shape: Shape)] = []
        var channels = inputChannels
        var index = 0
        for (count, width) in zip(blocks, VGG.widths) {
            for _ in 0..<count {
                shapes.append(("features.\(index).weight", [width, channels, 3, 3]))
                shapes.append(("features.\(index).bias", [width]))
                if isNormalized { shapes += .normalization("features.\(index + 1)", channels: width) }
                channels = width
                index += isNormalized ? 3 : 2
            }
            index += 1
        }
        var features = channels * VGG.grid * VGG.grid
        for (index, width) in [(0, VGG.features), (3, VGG.features), (6, classCount)] {
            shapes.append(("classifier.\(index).weight", [width, features]))
            shapes.append(("classifier.\(index).bias", [width]))
            features = width
        }
        return shapes
    }

    /// Whether the checkpoint has the form's numbers of 3×3 convolutions and of normalisations, whatever the widths and
    /// names.
    package func fits(_ parameters: ParameterSet) -> Bool {
        let (convolutions, linears) = (parameters.convolutions, parameters.linears)
        return convolutions.count == blocks.reduce(0, +) && linears.count == 3
            && parameters.normalizations.count == (isNormalized ? convolutions.count : 0)
            && parameters.layers.count == convolutions.count + linears.count + parameters.normalizations.count
            && convolutions.allSatisfy { $0.weight.shape[2] == 3 && $0.weight.shape[3] == 3 }
            && zip(convolutions, convolutions.dropFirst()).allSatisfy { $0.weight.shape[0] == $1.weight.shape[1] }
            && [1, 3].contains(convolutions[0].weight.shape[1])
            && linears[0].weight.shape[1] == (convolutions.last?.weight.shape[0] ?? 0) * VGG.grid * VGG.grid
    }

    package func network(_ parameters: ParameterSet, options: ArchitectureOptions) throws(CheckpointError) -> Network {
        let (convolutions, linears) = (parameters.convolutions, parameters.linears)
        let normalizations = parameters.normalizations
        guard convolutions.count == blocks.reduce(0, +), linears.count == 3,
            normalizations.count == (isNormalized ? convolutions.count : 0)
        else { throw CheckpointError.differs(parameters, from: self) }
        var builder = CheckpointNetworkBuilder(
            parameters, inputShape: input(channels: convolutions[0].weight.shape[1], options))
        var index = 0
        for (block, count) in blocks.enumerated() {
            for _ in 0..<count {
                try builder.convolution(
                    convolutions[index].name, outputChannels: VGG.widths[block], kernelSize: 3, padding: 1)
                if isNormalized { try builder.normalization(normalizations[index].name) }
                index += 1
                try builder.add("relu\(index)", ReLU())
            }
            try builder.add("pool\(block + 1)", MaxPool2d(kernelSize: 2, stride: 2))
        }
        try builder.add("avgpool", AdaptiveAvgPool2d(outputSize: Size2d(square: VGG.grid)))
        try builder.add("flatten", Flatten())
        for (number, layer) in linears.enumerated() {
            let isOutput = number == linears.count - 1
            try builder.linear(layer.name, outputFeatures: layer.weight.shape[0], isOutput: isOutput)
            if isOutput { break }
            try builder.add("relu\(index + number + 1)", ReLU())
            try builder.add("dropout\(number + 1)", Dropout())
        }
        return try builder.network()
    }
}
