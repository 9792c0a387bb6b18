/// What neither names nor shapes tell about a network: `model.json` says it, or the network's usual form counts.
package struct ArchitectureOptions: Sendable {
    /// Those that belong to some architectures only, by their keys in `model.json`.
    package enum Key: String, Sendable, CaseIterable {
        case activation, pooling
        case transformInput = "transform_input"
    }

    /// What stands behind a layer with weights.
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
    }

    /// The paper's AlexNet has it.
    package var localResponseNorm = LocalResponseNorm()
    /// nil for what the network's names suggest.
    package var activation: Nonlinearity?
    /// nil for the network's usual one.
    package var pooling: Pooling?
    /// Whether pictures that were normalised with ImageNet's mean and deviation are brought to mean and deviation 0.5 first.
    package var transformsInput = false

    /// What counts where nobody says anything.
    package init() {}
}
