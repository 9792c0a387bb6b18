import Files
import Inference
import Threads

/// An optimiser, with the arithmetic of the `torch.optim` class of the same name.
///
/// Its state buffers start at zero. A step is one pass over parameters, gradients and state, and its result does not
/// depend on the number of threads.
public protocol Optimizer: AnyObject, Sendable {
    /// The number of steps so far. Set it only to resume a training.
    var stepCount: Int { get set }

    /// The state of each parameter. Together with ``stepCount``, it is all that is needed to resume bit for bit.
    var state: [StateBuffer] { get }

    /// Takes one step.
    ///
    /// - Parameters:
    ///   - ranges: the parameters to update; see ``Parameters/ranges(where:)``.
    ///   - learningRate: the learning rate of this step.
    ///   - gradientScale: a factor applied to the gradients; see ``GradientClipping``.
    func step(
        _ parameters: Parameters, ranges: [Range<Int>], learningRate: Double, gradientScale: Float, workers: WorkerPool)
}

extension Optimizer {
    /// Takes one step with unscaled gradients.
    public func step(_ parameters: Parameters, ranges: [Range<Int>], learningRate: Double, workers: WorkerPool) {
        step(parameters, ranges: ranges, learningRate: learningRate, gradientScale: 1, workers: workers)
    }
}

/// One float for each parameter, kept between steps and stored in the training state. The layout is that of
/// ``Parameters``.
public struct StateBuffer: Sendable {
    /// PyTorch's name of the buffer, such as `exp_avg`.
    public let name: String
    /// The number of scalars, including padding.
    public let count: Int
    private let storage: AlignedBuffer

    /// A buffer of zeros.
    public init(name: String, count: Int) {
        self.name = name
        self.count = count
        storage = AlignedBuffer(byteCount: count * MemoryLayout<Float>.stride)
        values.initialize(repeating: 0)
    }

    /// The scalars. Only the training loop writes them, between steps.
    public var values: UnsafeMutableBufferPointer<Float> { storage.bytes.assumingMemoryBound(to: Float.self) }

    /// A view of one parameter's state. It changes with every step.
    public func tensor(_ entry: Parameters.Entry) -> Tensor {
        Tensor(entry.shape, viewing: storage, byteOffset: entry.range.lowerBound * MemoryLayout<Float>.stride)
    }
}

/// An optimiser and its hyperparameters, as stored in `model.json` and in the training state.
public struct OptimizerSettings: Codable, Equatable, Sendable {
    /// The kinds of optimisers. The raw values are those of `--optimizer`.
    public enum Kind: String, Codable, Sendable, CaseIterable {
        case sgd, momentum, nesterov, adagrad, adam, adamw

        /// PyTorch's default learning rate.
        public var learningRate: Double {
            switch self {
            case .sgd, .momentum, .nesterov, .adam, .adamw: 1e-3
            case .adagrad: 1e-2
            }
        }
    }

    /// The kind of optimiser.
    public var kind: Kind
    /// The momentum of ``Kind/momentum`` and ``Kind/nesterov``, 0..<1; others ignore it.
    public var momentum = 0.9
    /// The decay of the first moment in Adam and AdamW, 0..<1.
    public var beta1 = 0.9
    /// The decay of the second moment in Adam and AdamW, 0..<1.
    public var beta2 = 0.999
    /// The ε of Adam and AdamW (1e-8 by default) and of AdaGrad (1e-10 by default); others ignore it.
    public var epsilon: Double
    /// The weight decay, 0..<1; by default 0.01 for AdamW and 0 for the others.
    public var weightDecay: Double
    /// AdaGrad's decay of the learning rate per step.
    public var rateDecay = 0.0

    /// PyTorch's defaults for an optimiser.
    public init(_ kind: Kind) {
        self.kind = kind
        epsilon = kind == .adagrad ? 1e-10 : 1e-8
        weightDecay = kind == .adamw ? 0.01 : 0
    }

    /// - Throws: ``HyperparameterError`` for a hyperparameter out of range.
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

    /// Makes the optimiser for `count` scalars, including padding.
    ///
    /// - Precondition: ``validate()`` does not throw.
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

/// A hyperparameter is out of range.
public enum HyperparameterError: Error, Equatable, Sendable {
    /// The hyperparameter's name, its value, and the valid range as text.
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
        case .outOfRange(let name, let found, let expected): "the \(name) is \(found), but \(expected) is expected"
        }
    }
}
