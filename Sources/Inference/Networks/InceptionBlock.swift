/// The Inception block that is taught with a 5×5 branch, a branch of two 3×3 and an average pool: Inception v3's first.
///
/// Four branches, concatenated in this order: 1×1; 1×1 and 5×5; 1×1, 3×3 and 3×3; an average pool of 3×3 and 1×1. Behind every
/// convolution stand a batch normalisation with epsilon 1e-3 and a rectifier. Keys are `branch1X1.conv`, `branch1X1.bn`,
/// `branch5X5_{1,2}`, `branch3X3_{1,2,3}` and `branch_pool`; the widths are the file's.
/// - Source: Szegedy et al. 2015, arXiv:1512.00567, figure 5; `torchvision.models.inception.InceptionA`.
struct InceptionBlock {
    /// What stands before the keys, as `inception1.`.
    let prefix: String

    /// One convolution, with the published output channels.
    private struct Part {
        let name: String
        let outputChannels: Int
        let kernelSize: Int
    }

    private static let branches: [[Part]] = [
        [Part(name: "branch1X1", outputChannels: 64, kernelSize: 1)],
        [
            Part(name: "branch5X5_1", outputChannels: 48, kernelSize: 1),
            Part(name: "branch5X5_2", outputChannels: 64, kernelSize: 5),
        ],
        [
            Part(name: "branch3X3_1", outputChannels: 64, kernelSize: 1),
            Part(name: "branch3X3_2", outputChannels: 96, kernelSize: 3),
            Part(name: "branch3X3_3", outputChannels: 96, kernelSize: 3),
        ],
        [Part(name: "branch_pool", outputChannels: 32, kernelSize: 1)],
    ]

    /// TensorFlow's; PyTorch's own is 1e-5.
    private static let epsilon = 1e-3

    /// Adds the block behind the last node.
    ///
    /// - Throws: ``CheckpointError`` where a tensor is missing or does not fit.
    func add(to builder: inout NetworkBuilder) throws(CheckpointError) {
        let input = builder.last
        var ends: [Int] = []
        for (index, branch) in Self.branches.enumerated() {
            var start = input
            if index == Self.branches.count - 1 {
                start = try builder.add(
                    prefix + "avgpool", AvgPool2d(kernelSize: 3, stride: 1, padding: 1), from: [input])
            }
            for part in branch {
                try builder.convolution(
                    "\(prefix)\(part.name).conv", outputChannels: part.outputChannels, kernelSize: part.kernelSize,
                    padding: part.kernelSize / 2, needsBias: false, from: start)
                try builder.normalization("\(prefix)\(part.name).bn", epsilon: Self.epsilon)
                start = try builder.add("\(prefix)\(part.name).relu", ReLU())
            }
            ends.append(start)
        }
        try builder.add(prefix + "concat", Concat(), from: ends)
    }
}
