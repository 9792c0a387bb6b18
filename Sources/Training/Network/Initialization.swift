import Foundation
import Inference
import Threads

/// The random initialisation of a network's weights.
///
/// Each parameter has its own random sequence, which depends on the seed and the parameter's index in the network. A
/// layer's initial weights therefore depend neither on which other layers are initialised nor on the number of threads.
public enum Initialization: String, Codable, Sendable, CaseIterable {
    /// PyTorch's defaults: weights and biases uniform in ±1/√(fan-in of the layer).
    ///
    /// - Source: `torch.nn.modules.conv`, `torch.nn.modules.linear`: Kaiming uniform with a = √5
    case pytorch
    /// The half-width tutorial's: convolutions Kaiming normal by fan-out, linear weights N(0, 0.01), biases 0.
    ///
    /// - Source: He et al. 2015, arXiv:1502.01852, eq. 14: deviation √(2 / fan-out)
    case kaiming
    /// The paper's: weights N(0, 0.01). Biases are 1 in the second, fourth and fifth convolution and in the hidden
    /// linear layers, and 0 elsewhere.
    ///
    /// - Source: Krizhevsky et al. 2012, §5
    case paper

    /// Initialises the parameters for which `isIncluded` is true; the others stay as they are.
    ///
    /// A parameter's kind follows from its name (`….weight`, `….bias`) and its rank. Rank 4 is a convolution's weight,
    /// rank 2 a linear layer's, and rank 1 a normalisation's. The latter is initialised to 1, with a bias of 0.
    public func fill(
        _ parameters: Parameters, seed: UInt64, workers: WorkerPool,
        where isIncluded: (Parameters.Entry) -> Bool = { _ in true }
    ) {
        let entries = parameters.entries
        for (index, entry) in entries.enumerated() where isIncluded(entry) {
            let distribution = distribution(of: entry, in: entries)
            var blocks = ParameterBlocks()
            blocks.divide([entry.range], within: parameters.count)
            blocks.forEach(workers) { block, range in
                var random = SplitMix64(seed: seed, purpose: .initialization, index, block)
                for place in range { parameters.values[place] = distribution.next(&random) }
            }
        }
    }

    /// The distribution of a parameter.
    func distribution(of entry: Parameters.Entry, in entries: [Parameters.Entry]) -> Distribution {
        guard entry.name.hasSuffix(".weight") else { return biasDistribution(of: entry, in: entries) }
        let fan = Fan(entry.shape)
        switch (self, entry.shape.rank) {
        case (_, ...1): return .constant(1)
        case (.pytorch, _): return .uniform(bound: 1 / Float(max(fan.input, 1)).squareRoot())
        case (.kaiming, 3...): return .normal(deviation: (2 / Float(max(fan.output, 1))).squareRoot())
        case (.kaiming, _), (.paper, _): return .normal(deviation: 0.01)
        }
    }

    private func biasDistribution(of entry: Parameters.Entry, in entries: [Parameters.Entry]) -> Distribution {
        let weightName = entry.name.dropLast(entry.name.hasSuffix(".bias") ? 5 : 0) + ".weight"
        guard let weight = entries.first(where: { $0.name == weightName }), weight.shape.rank > 1 else {
            return .constant(0)
        }
        switch self {
        case .pytorch: return .uniform(bound: 1 / Float(max(Fan(weight.shape).input, 1)).squareRoot())
        case .kaiming: return .constant(0)
        case .paper:
            let peers = entries.filter { $0.name.hasSuffix(".weight") && $0.shape.rank == weight.shape.rank }
            let place = peers.firstIndex(of: weight) ?? 0
            let isRaised = weight.shape.rank == 2 ? place < peers.count - 1 : [1, 3, 4].contains(place)
            return .constant(isRaised ? 1 : 0)
        }
    }

    /// The fan-in and fan-out of a layer.
    struct Fan: Equatable {
        /// The number of inputs that each output depends on.
        let input: Int
        /// The number of outputs that each input contributes to.
        let output: Int

        /// Shape: kernels `[O, I, KH, KW]`, linear weights `[O, I]`. As in PyTorch, groups reduce the fan-in only.
        init(_ shape: Shape) {
            let window = shape.extents.dropFirst(2).reduce(1, *)
            input = (shape.rank > 1 ? shape[1] : 1) * window
            output = (shape.rank > 0 ? shape[0] : 1) * window
        }
    }

    /// A distribution of initial values.
    enum Distribution: Equatable {
        /// A constant.
        case constant(Float)
        /// The uniform distribution in −bound…bound.
        case uniform(bound: Float)
        /// The normal distribution with mean 0 and this standard deviation.
        case normal(deviation: Float)

        @inline(__always)
        func next(_ random: inout SplitMix64) -> Float {
            switch self {
            case .constant(let value): value
            case .uniform(let bound): Float(random.uniform(-Double(bound)...Double(bound)))
            case .normal(let deviation): Float(random.normal()) * deviation
            }
        }
    }
}
