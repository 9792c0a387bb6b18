/// A family's member: how its checkpoints are recognised, and what network they make.
///
/// Adding a network means one file with a type that conforms to this, and one line in ``Architectures``.
package protocol Architecture: Sendable {
    /// As `"architecture"` in `model.json` says it.
    var name: String { get }
    /// Of the published form. Shape: `[C, H, W]`.
    var inputShape: Shape { get }
    /// How images become the input where `model.json` does not say.
    var preprocessing: Preprocessing.Preset { get }
    /// The options that mean something here.
    var options: Set<ArchitectureOptions.Key> { get }
    /// The beginnings of names that a file may hold for training's sake.
    var ignoredPrefixes: [String] { get }

    /// The tensors of the published form, those that a normalisation remembers included; the first is a convolution's weight,
    /// and the last two are the output's.
    func tensorShapes(inputChannels: Int, classCount: Int) -> [(name: String, shape: Shape)]

    /// Whether a checkpoint holds this network.
    func fits(_ parameters: ParameterSet) -> Bool

    /// Builds the network around a checkpoint's parameters, whose widths may be others than the published form's.
    ///
    /// - Throws: ``CheckpointError`` where a tensor is missing, has no place, or does not fit those around it.
    func network(_ parameters: ParameterSet, options: ArchitectureOptions) throws(CheckpointError) -> Network

    /// What the checkpoint and the options leave open about the network that was built of them.
    func assumptions(
        about network: Network, _ parameters: ParameterSet, options: ArchitectureOptions
    ) -> [Assumption]

    /// Whether there is a published way to preprocess images for these parameters: ``preprocessing``.
    func hasPublishedPreprocessing(_ parameters: ParameterSet) -> Bool
}

extension Architecture {
    package var options: Set<ArchitectureOptions.Key> { [] }
    package var ignoredPrefixes: [String] { [] }

    /// Names and shapes are those of the published form, for any number of classes, in colour or grey.
    package func fits(_ parameters: ParameterSet) -> Bool { differences(from: parameters).isEmpty }

    package func assumptions(
        about network: Network, _ parameters: ParameterSet, options: ArchitectureOptions
    ) -> [Assumption] { [] }

    /// The published networks take colour; whoever makes one for grey images chooses how.
    package func hasPublishedPreprocessing(_ parameters: ParameterSet) -> Bool {
        parameters.convolutions.allSatisfy { $0.weight.shape[1] != 1 }
    }
}

extension Architecture {
    /// The input of a network that takes any size: what is said, or what is published. Shape: `[C, H, W]`.
    func input(channels: Int, _ options: ArchitectureOptions) -> Shape {
        guard let size = options.inputSize ?? options.preprocessedSize else {
            return [channels, inputShape[1], inputShape[2]]
        }
        return [channels, size.height, size.width]
    }
}

extension Architecture where Self: RawRepresentable, RawValue == String {
    package var name: String { rawValue }
}
