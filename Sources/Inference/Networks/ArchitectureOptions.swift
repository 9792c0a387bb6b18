/// What the names and shapes of tensors do not determine about a network. `model.json` decides it, or else the
/// architecture's default.
package struct ArchitectureOptions: Sendable {
    /// The keys of `model.json` that only some architectures support.
    package enum Key: String, Sendable, CaseIterable {
        case activation, pooling, padding
        case inputSize = "input_size"
        case poolSize = "pool_size"
        case localResponseNorm = "local_response_norm"
        case transformInput = "transform_input"
    }

    /// The activation after a convolution or a hidden linear layer.
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

    /// The pooling that reduces the feature maps.
    package enum Pooling: String, Sendable, CaseIterable {
        case max, average

        /// The pooling layer with windows of `size` × `size`.
        func layer(size: Int, stride: Int) -> any Layer {
            switch self {
            case .max: MaxPool2d(kernelSize: Size2d(square: size), stride: Size2d(square: stride))
            case .average: AvgPool2d(kernelSize: Size2d(square: size), stride: Size2d(square: stride))
            }
        }
    }

    /// The value for local response normalisation in `model.json`.
    package enum Normalization: Sendable, Equatable {
        /// No value: the architecture's default applies.
        case usual
        /// The network has none.
        case none
        /// The network has one. Missing parameters take the architecture's values.
        case described(LocalResponseNormParameters)
    }

    /// Local response normalisation in AlexNet.
    package var localResponseNorm = Normalization.usual
    /// The activation; nil to infer it from the tensors' names.
    package var activation: Nonlinearity?
    /// The pooling; nil for the architecture's default.
    package var pooling: Pooling?
    /// Side of the square pooling windows; nil for the architecture's default. Units: pixels.
    package var poolSize: Int?
    /// Whether the network first converts ImageNet's normalisation to mean and deviation 0.5; nil to infer it from the
    /// checkpoint.
    package var transformsInput: Bool?
    /// Padding of the first convolution; nil to infer it from the checkpoint. Units: pixels.
    package var padding: Int?
    /// The size of the network's input; nil for the published one. Units: pixels.
    package var inputSize: Size2d?
    /// The image size after the preprocessing in `model.json`; nil if it does not say. It becomes the input's size if
    /// the network can take it. Units: pixels.
    package var preprocessedSize: Size2d?
    /// Whether `model.json` names the architecture. If it does, what the name implies is not an ``Assumption``.
    package var isNamed = false

    /// The architecture's defaults.
    package init() {}
}

/// The parameters of a ``LocalResponseNorm`` in `model.json`; nil for missing ones.
package struct LocalResponseNormParameters: Sendable, Equatable {
    var size: Int?
    var alpha: Float?
    var beta: Float?
    var k: Float?
    var convention: LocalResponseNorm.Convention?

    /// The layer. Missing parameters are those of `usual`.
    func layer(over usual: LocalResponseNorm) -> LocalResponseNorm {
        LocalResponseNorm(
            size: size ?? usual.size, alpha: alpha ?? usual.alpha, beta: beta ?? usual.beta, k: k ?? usual.k,
            convention: convention ?? usual.convention)
    }
}
