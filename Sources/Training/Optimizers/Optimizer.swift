import Inference

/// Moves parameters against their gradients, as the class of that name in `torch.optim` does.
///
/// What it remembers of each parameter begins at zero, and a step reads and writes it in one pass with the parameter. The result
/// does not depend on the number of threads.
public protocol Optimizer: AnyObject, Sendable {
    /// How many steps were taken; set only to resume.
    var stepCount: Int { get set }

    /// What is remembered of each parameter: with ``stepCount``, all that a training needs to be resumed bit for bit.
    var state: [StateBuffer] { get }

    /// Takes one step.
    ///
    /// - Parameters:
    ///   - ranges: which parameters move; the others stay as they are. See ``Parameters/ranges(where:)``.
    ///   - gradientScale: what gradients are multiplied by first; see ``GradientClipping``.
    func step(
        _ parameters: Parameters, ranges: [Range<Int>], learningRate: Double, gradientScale: Float, workers: WorkerPool)
}

extension Optimizer {
    /// Takes one step by the gradients as they are.
    public func step(_ parameters: Parameters, ranges: [Range<Int>], learningRate: Double, workers: WorkerPool) {
        step(parameters, ranges: ranges, learningRate: learningRate, gradientScale: 1, workers: workers)
    }
}

/// One float a parameter, kept from step to step and stored to resume a training: the layout is that of ``Parameters``.
public struct StateBuffer: Sendable {
    /// PyTorch's name for what it holds, as `exp_avg`.
    public let name: String
    /// The scalars' count, gaps included.
    public let count: Int
    private let storage: AlignedBuffer

    /// Zeros.
    public init(name: String, count: Int) {
        self.name = name
        self.count = count
        storage = AlignedBuffer(byteCount: count * MemoryLayout<Float>.stride)
        values.initialize(repeating: 0)
    }

    /// The scalars; written between steps by the training loop only.
    public var values: UnsafeMutableBufferPointer<Float> { storage.bytes.assumingMemoryBound(to: Float.self) }

    /// What is kept of one parameter, where it lies: it changes with every step.
    public func tensor(_ entry: Parameters.Entry) -> Tensor {
        Tensor(entry.shape, viewing: storage, byteOffset: entry.range.lowerBound * MemoryLayout<Float>.stride)
    }
}

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

/// A number with which no training works.
public enum HyperparameterError: Error, Equatable, Sendable {
    case outOfRange(name: String, found: String, expected: String)

    /// - Throws: ``outOfRange(name:found:expected:)``, also for NaN.
    static func check(_ name: String, _ value: Double, in range: Range<Double>) throws(Self) {
        guard range.contains(value) else {
            throw .outOfRange(
                name: name, found: "\(value)",
                expected: "a number from \(range.lowerBound) to below \(range.upperBound)")
        }
    }
}

extension HyperparameterError: CustomStringConvertible {
    /// One sentence.
    public var description: String {
        switch self {
        case .outOfRange(let name, let found, let expected): "the \(name) is \(found) where \(expected) is expected"
        }
    }
}
