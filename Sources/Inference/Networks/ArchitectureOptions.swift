/// What neither names nor shapes tell about a network: `model.json` says it, or the network's usual form counts.
package struct ArchitectureOptions: Sendable {
    /// The keys of `model.json` that mean something for some architectures only.
    package enum Key: String, Sendable, CaseIterable {
        case activation, pooling, padding
        case inputSize = "input_size"
        case poolSize = "pool_size"
        case localResponseNorm = "local_response_norm"
        case transformInput = "transform_input"
    }

    /// The function behind a layer with weights.
    package enum Nonlinearity: String, Sendable, CaseIterable {
        case none, relu, tanh, sigmoid

        /// nil for none.
        var layer: (any Layer)? {
            switch self {
            case .none: nil
            case .relu: ReLU()
            case .tanh: Tanh()
            case .sigmoid: Sigmoid()
            }
        }
    }

    /// How maps are made smaller.
    package enum Pooling: String, Sendable, CaseIterable {
        case max, average

        /// A pooling with windows of `size` × `size`, `stride` apart.
        func layer(size: Int, stride: Int) -> any Layer {
            switch self {
            case .max: MaxPool2d(kernelSize: Size2d(square: size), stride: Size2d(square: stride))
            case .average: AvgPool2d(kernelSize: Size2d(square: size), stride: Size2d(square: stride))
            }
        }
    }

    /// What is said about local response normalisation.
    package enum Normalization: Sendable, Equatable {
        /// Nothing.
        case usual
        /// There is none.
        case none
        /// There is one; what is not said is the architecture's.
        case described(LocalResponseNormParameters)
    }

    /// Where the network has one: the paper's AlexNet and its kin.
    package var localResponseNorm = Normalization.usual
    /// nil for what the file's names suggest.
    package var activation: Nonlinearity?
    /// nil for the network's usual one.
    package var pooling: Pooling?
    /// The side of the pooling windows; nil for the network's usual one. Units: pixels.
    package var poolSize: Int?
    /// Whether the network first brings ImageNet's normalisation back to mean and deviation 0.5; nil for what the file suggests.
    package var transformsInput: Bool?
    /// Of the first convolution; nil for what the file suggests. Units: pixels.
    package var padding: Int?
    /// Height and width of the network's input; nil for the published ones.
    package var inputSize: Size2d?
    /// In what size the preprocessing ends, where it says one: the network's input, if that can be so large.
    package var preprocessedSize: Size2d?
    /// Whether `model.json` names the architecture: what the name implies is then no assumption.
    package var isNamed = false

    /// What counts where nobody says anything.
    package init() {}
}

/// The parameters of a ``LocalResponseNorm`` as far as they are said.
package struct LocalResponseNormParameters: Sendable, Equatable {
    var size: Int?
    var alpha: Float?
    var beta: Float?
    var k: Float?
    var convention: LocalResponseNorm.Convention?

    /// The layer, with the rest from `usual`.
    func layer(over usual: LocalResponseNorm) -> LocalResponseNorm {
        LocalResponseNorm(
            size: size ?? usual.size, alpha: alpha ?? usual.alpha, beta: beta ?? usual.beta, k: k ?? usual.k,
            convention: convention ?? usual.convention)
    }
}
