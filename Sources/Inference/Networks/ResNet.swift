/// ResNet with 18 to 152 layers, wide ResNet and ResNeXt, as in torchvision.
///
/// A bottleneck has its stride in the 3×3 convolution ("ResNet v1.5"). Keys are torchvision's: `conv1`, `bn1`,
/// `layer{1…4}.{block}.conv{1,2,3}`, `….bn{1,2,3}`, `….downsample.{0,1}`, `fc`.
/// - Source: He, Zhang, Ren and Sun 2015, arXiv:1512.03385; Zagoruyko and Komodakis 2016, arXiv:1605.07146 (wide); Xie
///   et al. 2016, arXiv:1611.05431 (ResNeXt); `torchvision.models.resnet`.
package enum ResNet {
    /// The forms. The raw values are the names for `"architecture"` in `model.json`: torchvision's.
    package enum Form: String, Sendable, CaseIterable {
        case resnet18, resnet34, resnet50, resnet101, resnet152
        case resnext50 = "resnext50_32x4d"
        case resnext101 = "resnext101_32x8d"
        case resnext101Of64Groups = "resnext101_64x4d"
        case wide50 = "wide_resnet50_2"
        case wide101 = "wide_resnet101_2"

        /// The number of blocks in each of the four stages.
        fileprivate var stages: [Int] {
            switch self {
            case .resnet18: [2, 2, 2, 2]
            case .resnet34, .resnet50, .resnext50, .wide50: [3, 4, 6, 3]
            case .resnet101, .resnext101, .resnext101Of64Groups, .wide101: [3, 4, 23, 3]
            case .resnet152: [3, 8, 36, 3]
            }
        }

        /// Whether blocks are bottlenecks (1×1, 3×3, 1×1 convolutions) instead of basic blocks (two 3×3 convolutions).
        fileprivate var hasBottlenecks: Bool { self != .resnet18 && self != .resnet34 }

        /// The number of groups of a bottleneck's 3×3 convolution: ResNeXt's cardinality.
        fileprivate var groups: Int {
            switch self {
            case .resnext50, .resnext101: 32
            case .resnext101Of64Groups: 64
            default: 1
            }
        }

        /// The number of channels per group of a bottleneck's 3×3 convolution in the first stage.
        fileprivate var groupWidth: Int {
            switch self {
            case .resnext50, .resnext101Of64Groups: 4
            case .resnext101: 8
            case .wide50, .wide101: 128
            default: 64
            }
        }
    }

    /// One block of the published form.
    fileprivate struct Block {
        let name: String
        let inputChannels: Int
        /// The output channels of the 3×3 convolutions.
        let width: Int
        let outputChannels: Int
        let stride: Int
        let groups: Int
        let isBottleneck: Bool

        /// Whether the shortcut needs a projection, because the block changes the shape.
        var isProjected: Bool { stride != 1 || inputChannels != outputChannels }

        /// The convolutions on the residual path.
        var convolutions: [(outputs: Int, inputs: Int, kernelSize: Int, stride: Int)] {
            isBottleneck
                ? [(width, inputChannels, 1, 1), (width, width / groups, 3, stride), (outputChannels, width, 1, 1)]
                : [(width, inputChannels, 3, stride), (outputChannels, width, 3, 1)]
        }
    }
}

extension ResNet.Form {
    private var blocks: [ResNet.Block] {
        var blocks: [ResNet.Block] = []
        var channels = 64
        for (stage, count) in stages.enumerated() {
            let planes = 64 << stage
            for index in 0..<count {
                blocks.append(
                    ResNet.Block(
                        name: "layer\(stage + 1).\(index)", inputChannels: channels,
                        width: planes * groupWidth / 64 * groups, outputChannels: hasBottlenecks ? planes * 4 : planes,
                        stride: index == 0 && stage > 0 ? 2 : 1, groups: groups, isBottleneck: hasBottlenecks))
                channels = hasBottlenecks ? planes * 4 : planes
            }
        }
        return blocks
    }
}

extension ResNet.Form: Architecture {
    package var inputShape: Shape { [3, 224, 224] }
    package var preprocessing: Preprocessing.Preset { .imagenet }
    package var options: Set<ArchitectureOptions.Key> { [.inputSize] }

    package func tensorShapes(inputChannels: Int, classCount: Int) -> [(name: String, shape: Shape)] {
        var shapes: [(name: String, shape: Shape)] = [("conv1.weight", [64, inputChannels, 7, 7])]
        shapes += .normalization("bn1", channels: 64)
        var channels = 64
        for block in blocks {
            for (index, part) in block.convolutions.enumerated() {
                shapes.append(
                    (
                        "\(block.name).conv\(index + 1).weight",
                        [part.outputs, part.inputs, part.kernelSize, part.kernelSize]
                    ))
                shapes += .normalization("\(block.name).bn\(index + 1)", channels: part.outputs)
            }
            if block.isProjected {
                shapes.append(
                    ("\(block.name).downsample.0.weight", [block.outputChannels, block.inputChannels, 1, 1]))
                shapes += .normalization("\(block.name).downsample.1", channels: block.outputChannels)
            }
            channels = block.outputChannels
        }
        return shapes + [("fc.weight", [classCount, channels]), ("fc.bias", [classCount])]
    }

    package func network(_ parameters: ParameterSet, options: ArchitectureOptions) throws(CheckpointError) -> Network {
        let channels = parameters["conv1"]?.weight.shape.extents.dropFirst().first ?? inputShape[0]
        var builder = CheckpointNetworkBuilder(parameters, inputShape: input(channels: channels, options))
        try builder.convolution("conv1", outputChannels: 64, kernelSize: 7, stride: 2, padding: 3, needsBias: false)
        try builder.normalization("bn1")
        try builder.add("relu", ReLU())
        try builder.add("maxpool", MaxPool2d(kernelSize: 3, stride: 2, padding: 1))
        for block in blocks { try add(block, to: &builder) }
        try builder.add("avgpool", AdaptiveAvgPool2d(outputSize: 1))
        try builder.add("flatten", Flatten())
        try builder.linear("fc", outputFeatures: 1000, isOutput: true)
        return try builder.network()
    }

    private func add(_ block: ResNet.Block, to builder: inout CheckpointNetworkBuilder) throws(CheckpointError) {
        let input = builder.last
        var shortcut = input
        if block.isProjected {
            try builder.convolution(
                "\(block.name).downsample.0", outputChannels: block.outputChannels, kernelSize: 1, stride: block.stride,
                needsBias: false)
            shortcut = try builder.normalization("\(block.name).downsample.1")
        }
        for (index, part) in block.convolutions.enumerated() {
            try builder.convolution(
                "\(block.name).conv\(index + 1)", outputChannels: part.outputs, kernelSize: part.kernelSize,
                stride: part.stride, padding: part.kernelSize / 2, isGrouped: block.groups > 1 && part.kernelSize == 3,
                needsBias: false, from: index == 0 ? input : nil)
            try builder.normalization("\(block.name).bn\(index + 1)")
            if index < block.convolutions.count - 1 { try builder.add("\(block.name).relu\(index + 1)", ReLU()) }
        }
        try builder.add("\(block.name).add", Add(), from: [builder.last, shortcut])
        try builder.add("\(block.name).relu", ReLU())
    }
}
