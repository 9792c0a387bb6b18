/// What the names and shapes of tensors leave open about a network: `model.json` decides it, or else the architecture's
/// default.
package struct ArchitectureOptions: Sendable {
    /// The keys of `model.json` that apply to some architectures only.
    package enum Key: String, Sendable, CaseIterable {
        case activation, pooling, padding
        case inputSize = "input_size"
        case poolSize = "pool_size"
        case localResponseNorm = "local_response_norm"
        case transformInput = "transform_input"
    }

    /// The activation behind a layer with weights.
    package enum Nonlinearity: String, Sendable, CaseIterable {
        case none, relu, tanh, sigmoid

        /// The layer that computes it; nil for ``none``.
        var layer: (any Layer)? {
            switch self {
            case .none: nil
            case .relu: ReLU()
            case .tanh: Tanh()
            case .sigmoid: Sigmoid()
            }
        }
    }

    /// The pooling that makes maps smaller.
    package enum Pooling: String, Sendable, CaseIterable {
        case max, average

        /// The layer, with windows of `size` × `size`.
        func layer(size: Int, stride: Int) -> any Layer {
            switch self {
            case .max: MaxPool2d(kernelSize: Size2d(square: size), stride: Size2d(square: stride))
            case .average: AvgPool2d(kernelSize: Size2d(square: size), stride: Size2d(square: stride))
            }
        }
    }

    /// What `model.json` says about local response normalisation.
    package enum Normalization: Sendable, Equatable {
        /// Nothing: the architecture's default.
        case usual
        /// The network has none.
        case none
        /// The network has one; parameters that are left out have the architecture's values.
        case described(LocalResponseNormParameters)
    }

    /// Local response normalisation in AlexNet.
    package var localResponseNorm = Normalization.usual
    /// The activation; nil for the one that the file's names suggest.
    package var activation: Nonlinearity?
    /// The pooling; nil for the architecture's default.
    package var pooling: Pooling?
    /// Height, and width, of the pooling windows; nil for the architecture's default. Units: pixels.
    package var poolSize: Int?
    /// Whether the network converts ImageNet's normalisation to mean and deviation 0.5 first; nil for what the file
    /// suggests.
    package var transformsInput: Bool?
    /// Padding of the first convolution; nil for what the file suggests. Units: pixels.
    package var padding: Int?
    /// Height and width of the network's input; nil for the published ones. Units: pixels.
    package var inputSize: Size2d?
    /// The size that the preprocessing in `model.json` ends in; nil where it does not say. It is the input's size if
    /// the network can take it. Units: pixels.
    package var preprocessedSize: Size2d?
    /// Whether `model.json` names the architecture; what the name implies is then not an ``Assumption``.
    package var isNamed = false

    /// The architecture's defaults.
    package init() {}
}

/// The parameters of a ``LocalResponseNorm`` that `model.json` gives; nil for the others.
package struct LocalResponseNormParameters: Sendable, Equatable {
    var size: Int?
    var alpha: Float?
    var beta: Float?
    var k: Float?
    var convention: LocalResponseNorm.Convention?

    /// The layer, with the missing parameters from `usual`.
    func layer(over usual: LocalResponseNorm) -> LocalResponseNorm {
        LocalResponseNorm(
            size: size ?? usual.size, alpha: alpha ?? usual.alpha, beta: beta ?? usual.beta, k: k ?? usual.k,
            convention: convention ?? usual.convention)
    }
}
