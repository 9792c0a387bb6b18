import Inference

/// What a training takes where nobody says otherwise: numbers with which small folders leave the level of guessing too.
///
/// PyTorch's 1e-3 for Adam is too much for an AlexNet: its first steps are as long as the rate for every weight, whatever the
/// gradients, and against linear weights that begin at N(0, 0.01) a few of them kill the hidden units for good.
public enum TrainingDefaults {
    /// The usual number of images in a step.
    public static let batchSize = 64
    /// Folders of few images are divided into at least so many steps an epoch, as far as ``leastBatchSize`` allows.
    static let stepsPerEpoch = 10
    static let leastBatchSize = 8

    /// The learning rate of an optimiser for an architecture.
    ///
    /// Adam moves every weight by about the rate in its first steps, so that the change of a linear layer's output grows with
    /// its inputs: half as much for hidden layers of 4096 as for those of 2048. The other optimisers' rates are PyTorch's.
    public static func learningRate(_ kind: OptimizerSettings.Kind, architecture: String) -> Double {
        switch kind {
        case .adam, .adamw: AlexNet.Form(rawValue: architecture) == .halfWidth ? 2e-4 : 1e-4
        case .sgd, .momentum, .nesterov, .adagrad: kind.learningRate
        }
    }

    /// The number of images in a step: ``batchSize``, and less where the data are few.
    ///
    /// - Parameter isRateGiven: a rate that was chosen is meant for ``batchSize``; then only what is more than all the images
    ///   is less.
    public static func batchSize(imageCount: Int, isRateGiven: Bool) -> Int {
        guard !isRateGiven else { return max(1, min(batchSize, imageCount)) }
        var size = batchSize
        while size > leastBatchSize, size * stepsPerEpoch > imageCount { size /= 2 }
        return max(1, min(size, imageCount))
    }
}
