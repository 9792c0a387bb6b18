/// GoogLeNet (Inception v1) with batch normalisation, as in torchvision.
///
/// The paper's 5×5 branch is 3×3 here, as in torchvision's weights. The auxiliary heads `aux1` and `aux2` serve only
/// training and are left out. If the checkpoint has no auxiliary heads, ``ArchitectureOptions/transformsInput`` is
/// assumed to be true.
/// - Source: Szegedy et al. 2014, arXiv:1409.4842, table 1; `torchvision.models.googlenet`.
package enum GoogLeNet {
    /// The forms. The raw value is the name for `"architecture"` in `model.json`.
    package enum Form: String, Sendable, CaseIterable {
        case googlenet
    }

    /// The published output channels of an Inception block's convolutions, by branch.
    fileprivate struct Block {
        let name: String
        let pointwise: Int
        let narrow3: Int
        let wide3: Int
        let narrow5: Int
        let wide5: Int
        let pooled: Int

        init(_ name: String, _ widths: [Int]) {
            self.name = "inception" + name
            (pointwise, narrow3, wide3) = (widths[0], widths[1], widths[2])
            (narrow5, wide5, pooled) = (widths[3], widths[4], widths[5])
        }

        var outputChannels: Int { pointwise + wide3 + wide5 + pooled }

        /// The branches, without the pooling of the last one.
        var branches: [InceptionBranch] {
            [
                [("", pointwise, 1)], [(".0", narrow3, 1), (".1", wide3, 3)], [(".0", narrow5, 1), (".1", wide5, 3)],
                [(".1", pooled, 1)],
            ].enumerated().map { index, units in
                InceptionBranch(
                    units: units.map { place, outputs, kernelSize in
                        ("\(name).branch\(index + 1)\(place)", outputs, kernelSize)
                    })
            }
        }
    }

    /// The Inception blocks, grouped by the max pooling layers between them.
    fileprivate static let stages: [[Block]] = [
        [Block("3a", [64, 96, 128, 16, 32, 32]), Block("3b", [128, 128, 192, 32, 96, 64])],
        [
            Block("4a", [192, 96, 208, 16, 48, 64]), Block("4b", [160, 112, 224, 24, 64, 64]),
            Block("4c", [128, 128, 256, 24, 64, 64]), Block("4d", [112, 144, 288, 32, 64, 64]),
            Block("4e", [256, 160, 320, 32, 128, 128]),
        ],
        [Block("5a", [256, 160, 320, 32, 128, 128]), Block("5b", [384, 192, 384, 48, 128, 128])],
    ]

    /// The convolutions before the first Inception block.
    fileprivate static let stem: [(name: String, outputs: Int, kernelSize: Int)] = [
        ("conv1", 64, 7), ("conv2", 64, 1), ("conv3", 192, 3),
    ]
}

extension GoogLeNet.Form: Architecture {
    package var inputShape: Shape { [3, 224, 224] }
    package var preprocessing: Preprocessing.Preset { .imagenet }
    package var options: Set<ArchitectureOptions.Key> { [.transformInput, .inputSize] }
    package var ignoredPrefixes: [String] { ["aux1.", "aux2."] }

    package func tensorShapes(inputChannels: Int, classCount: Int) -> [(name: String, shape: Shape)] {
        var shapes: [(name: String, shape: Shape)] = []
        func append(_ name: String, _ outputs: Int, _ inputs: Int, _ kernelSize: Int) {
            shapes.append(("\(name).conv.weight", [outputs, inputs, kernelSize, kernelSize]))
            shapes += .normalization("\(name).bn", channels: outputs)
        }
        var channels = inputChannels
        for (name, outputs, kernelSize) in GoogLeNet.stem {
            append(name, outputs, channels, kernelSize)
            channels = outputs
        }
        for block in GoogLeNet.stages.joined() {
            for branch in block.branches {
                var inputs = channels
                for unit in branch.units {
                    append(unit.name, unit.outputChannels, inputs, unit.kernelSize)
                    inputs = unit.outputChannels
                }
            }
            channels = block.outputChannels
        }
        return shapes + [("fc.weight", [classCount, channels]), ("fc.bias", [classCount])]
    }

    package func network(_ parameters: ParameterSet, options: ArchitectureOptions) throws(CheckpointError) -> Network {
        let channels = parameters["conv1.conv"]?.weight.shape.extents.dropFirst().first ?? inputShape[0]
        var builder = CheckpointNetworkBuilder(parameters, inputShape: input(channels: channels, options))
        if transformsInput(parameters, options), channels == 3 {
            try builder.add("transform_input", Self.inputTransformation)
        }
        for (index, (name, outputs, kernelSize)) in GoogLeNet.stem.enumerated() {
            try builder.addUnit(name, outputChannels: outputs, kernelSize: kernelSize, stride: index == 0 ? 2 : 1)
            if index != 1 { try builder.add("maxpool\(index / 2 + 1)", pool(3, stride: 2)) }
        }
        for (stage, blocks) in GoogLeNet.stages.enumerated() {
            for block in blocks {
                var branches = block.branches
                branches[3].pooling = ("\(block.name).branch4.0", pool(3, stride: 1, padding: 1))
                try builder.addInception(branches, named: "\(block.name).concat")
            }
            if stage == 0 { try builder.add("maxpool3", pool(3, stride: 2)) }
            if stage == 1 { try builder.add("maxpool4", pool(2, stride: 2)) }
        }
        try builder.add("avgpool", AdaptiveAvgPool2d(outputSize: 1))
        try builder.add("flatten", Flatten())
        try builder.add("dropout", Dropout(probability: 0.2))
        try builder.linear("fc", outputFeatures: 1000, isOutput: true)
        return try builder.network(ignoring: ignoredPrefixes)
    }

    /// Whether the network transforms its input. torchvision's pretrained weights come with `transform_input` and, by
    /// default, without auxiliary heads. Networks trained from scratch have the heads and no transformation.
    private func transformsInput(_ parameters: ParameterSet, _ options: ArchitectureOptions) -> Bool {
        options.transformsInput ?? !hasHeads(parameters)
    }

    private func hasHeads(_ parameters: ParameterSet) -> Bool {
        parameters.layers.contains { layer in ignoredPrefixes.contains { layer.name.hasPrefix($0) } }
    }

    package func assumptions(
        about network: Network, _ parameters: ParameterSet, options: ArchitectureOptions
    ) -> [Assumption] {
        guard options.transformsInput == nil, network.inputShape[0] == 3 else { return [] }
        let hasHeads = hasHeads(parameters)
        return [
            Assumption(
                "transform_input is taken to be \(hasHeads ? "off" : "on"), as torchvision sets it where the auxiliary heads are "
                    + (hasHeads
                        ? "kept: of a network that was trained from nothing"
                        : "gone: of a network that was fine-tuned from pretrained weights"),
                line: "\"transform_input\": \(!hasHeads) (or what is right)")
        ]
    }

    private func pool(_ extent: Int, stride: Int, padding: Int = 0) -> MaxPool2d {
        MaxPool2d(
            kernelSize: Size2d(square: extent), stride: Size2d(square: stride), padding: Size2d(square: padding),
            roundsUp: true)
    }

    /// Converts inputs normalised with ImageNet's mean and deviation to a mean and deviation of 0.5.
    private static let inputTransformation = ChannelAffine(
        scale: Tensor([3], scalars: [0.229, 0.224, 0.225].map { Float($0 / 0.5) }),
        shift: Tensor([3], scalars: [0.485, 0.456, 0.406].map { Float(($0 - 0.5) / 0.5) }))
}

/// The first block of Inception v3, which tutorials teach: it has a 5×5 branch, a branch of two 3×3 convolutions, and
/// one with average pooling.
///
/// The four branches are concatenated in this order: 1×1; 1×1 and 5×5; 1×1, 3×3 and 3×3; 3×3 average pooling and 1×1. A
/// batch normalisation (epsilon 1e-3) and a ReLU follow every convolution. Keys are `branch1X1.conv`, `branch1X1.bn`,
/// `branch5X5_{1,2}`, `branch3X3_{1,2,3}` and `branch_pool`. The checkpoint decides the widths.
/// - Source: Szegedy et al. 2015, arXiv:1512.00567, figure 5; `torchvision.models.inception.InceptionA`.
struct InceptionBlock {
    /// The prefix of the keys, such as `inception1.`.
    let prefix: String

    /// The branches with their published output channels.
    private var branches: [InceptionBranch] {
        [
            InceptionBranch(units: [(prefix + "branch1X1", 64, 1)]),
            InceptionBranch(units: [(prefix + "branch5X5_1", 48, 1), (prefix + "branch5X5_2", 64, 5)]),
            InceptionBranch(units: [
                (prefix + "branch3X3_1", 64, 1), (prefix + "branch3X3_2", 96, 3), (prefix + "branch3X3_3", 96, 3),
            ]),
            InceptionBranch(
                pooling: (prefix + "avgpool", AvgPool2d(kernelSize: 3, stride: 1, padding: 1)),
                units: [(prefix + "branch_pool", 32, 1)]),
        ]
    }

    /// Adds the block after the last node.
    ///
    /// - Throws: ``CheckpointError`` if a tensor is missing or does not fit.
    func add(to builder: inout CheckpointNetworkBuilder) throws(CheckpointError) {
        try builder.addInception(branches, named: prefix + "concat")
    }
}

/// One branch of an Inception block: an optional pooling, then units of convolution, batch normalisation and ReLU.
private struct InceptionBranch {
    var pooling: (name: String, layer: any Layer)?
    /// The name, the published output channels and the kernel's side of each unit.
    let units: [(name: String, outputChannels: Int, kernelSize: Int)]
}

extension CheckpointNetworkBuilder {
    /// The epsilon of batch normalisation: TensorFlow's default. PyTorch's is 1e-5.
    private static var epsilon: Double { 1e-3 }

    /// Adds a convolution, a batch normalisation and a ReLU, with the parameters `name.conv` and `name.bn`. The padding
    /// is half the kernel, so that only a stride reduces the feature maps.
    @discardableResult
    fileprivate mutating func addUnit(
        _ name: String, outputChannels: Int, kernelSize: Int, stride: Int = 1, from input: Int? = nil
    ) throws(CheckpointError) -> Int {
        try convolution(
            "\(name).conv", outputChannels: outputChannels, kernelSize: kernelSize, stride: stride,
            padding: kernelSize / 2, needsBias: false, from: input)
        try normalization("\(name).bn", epsilon: Self.epsilon)
        return try add("\(name).relu", ReLU())
    }

    /// Adds branches that all read the last node, and concatenates their outputs in this order.
    fileprivate mutating func addInception(
        _ branches: [InceptionBranch], named name: String
    ) throws(CheckpointError) {
        let input = last
        var ends: [Int] = []
        for branch in branches {
            var end = input
            if let (name, layer) = branch.pooling { end = try add(name, layer, from: [input]) }
            for unit in branch.units {
                end = try addUnit(
                    unit.name, outputChannels: unit.outputChannels, kernelSize: unit.kernelSize, from: end)
            }
            ends.append(end)
        }
        try add(name, Concat(), from: ends)
    }
}
