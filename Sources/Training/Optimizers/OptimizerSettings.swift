/// Which optimiser, and its numbers: what a training is started with, and resumed with.
public struct OptimizerSettings: Codable, Equatable, Sendable {
    /// The raw values are those of `--optimizer`.
    public enum Kind: String, Codable, Sendable, CaseIterable {
        case sgd, momentum, nesterov, adagrad, adam, adamw

        /// PyTorch's default.
        public var learningRate: Double {
            switch self {
            case .sgd, .momentum, .nesterov, .adam, .adamw: 1e-3
            case .adagrad: 1e-2
            }
        }
    }

    public var kind: Kind
    /// 0.9 for ``Kind/momentum`` and ``Kind/nesterov``, as everybody has it; nothing else has momentum.
    public var momentum = 0.9
    /// Adam's and AdamW's.
    public var beta1 = 0.9
    /// Adam's and AdamW's.
    public var beta2 = 0.999
    /// Adam's and AdamW's 1e-8, AdaGrad's 1e-10.
    public var epsilon: Double
    /// AdamW's is 0.01, the others' 0.
    public var weightDecay: Double
    /// AdaGrad's.
    public var rateDecay = 0.0

    /// PyTorch's defaults.
    public init(_ kind: Kind) {
        self.kind = kind
        epsilon = kind == .adagrad ? 1e-10 : 1e-8
        weightDecay = kind == .adamw ? 0.01 : 0
    }

    /// - Throws: ``HyperparameterError`` for a number that no training works with.
    public func validate() throws(HyperparameterError) {
        try HyperparameterError.check("momentum", momentum, in: 0..<1)
        if kind == .nesterov && momentum == 0 {
            throw .outOfRange(
                name: "Nesterov's momentum", found: "\(momentum)", expected: "a number above 0 and below 1")
        }
        try HyperparameterError.check("beta1", beta1, in: 0..<1)
        try HyperparameterError.check("beta2", beta2, in: 0..<1)
        try HyperparameterError.check("weight decay", weightDecay, in: 0..<1)
        try HyperparameterError.check("learning-rate decay", rateDecay, in: 0..<1e6)
        guard epsilon >= 1e-30 && epsilon <= 1 else {
            throw .outOfRange(name: "epsilon", found: "\(epsilon)", expected: "a number from 1e-30 to 1")
        }
    }

    /// The optimiser of this many parameters, gaps included; settings that ``validate()`` passes.
    public func makeOptimizer(count: Int) -> any Optimizer {
        switch kind {
        case .sgd: SGD(count: count, weightDecay: weightDecay)
        case .momentum: SGD(count: count, momentum: momentum, weightDecay: weightDecay)
        case .nesterov: SGD(count: count, momentum: momentum, isNesterov: true, weightDecay: weightDecay)
        case .adagrad: AdaGrad(count: count, rateDecay: rateDecay, weightDecay: weightDecay, epsilon: epsilon)
        case .adam, .adamw:
            Adam(
                count: count, beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: weightDecay,
                isDecayDecoupled: kind == .adamw)
        }
    }
}
