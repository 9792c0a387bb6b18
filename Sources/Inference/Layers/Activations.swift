import CKernels
import Foundation

/// The rectified linear unit (ReLU), max(x, 0), element by element.
///
/// Shape: any; the output's is the input's.
/// - Source: Krizhevsky et al. 2012, §3.1.
public struct ReLU: UnaryLayer {
    /// A ReLU, which has no parameters.
    public init() {}

    public func outputShape(for input: Shape) throws(ShapeError) -> Shape { input }

    public func algorithms(for input: Shape, output: Shape, activation: Activation?) -> [Algorithm] {
        [Algorithm(ReLUOperation(elementCount: input.elementCount))]
    }

    public func callAsFunction(_ input: Tensor) -> Tensor {
        Tensor(input.shape, scalars: input.scalars.map { $0 < 0 ? 0 : $0 })
    }
}

/// Computes a ``ReLU`` that is not fused into the layer before it.
struct ReLUOperation: Operation {
    let name = "elementwise"
    let elementCount: Int

    func run(_ run: OperationRun) {
        run.parallelFor(run.batchSize) { image, _ in
            kernel_relu(run.input() + image * elementCount, run.output + image * elementCount, elementCount)
        }
    }
}

/// The logistic function, 1 / (1 + e⁻ˣ), element by element.
///
/// Shape: any; the output's is the input's.
/// - Source: PyTorch, `torch.nn.Sigmoid`.
public struct Sigmoid: UnaryLayer {
    /// A sigmoid, which has no parameters.
    public init() {}

    public func outputShape(for input: Shape) throws(ShapeError) -> Shape { input }

    public func algorithms(for input: Shape, output: Shape, activation: Activation?) -> [Algorithm] {
        [Algorithm(ElementwiseOperation(name: "sigmoid", elementCount: input.elementCount) { 1 / (1 + exp(-$0)) })]
    }

    public func callAsFunction(_ input: Tensor) -> Tensor {
        Tensor(input.shape, scalars: input.scalars.map { Float(1 / (1 + exp(-Double($0)))) })
    }
}

/// The hyperbolic tangent, element by element.
///
/// Shape: any; the output's is the input's.
/// - Source: LeCun et al. 1998, "Gradient-based learning applied to document recognition", §II.B; `torch.nn.Tanh`.
public struct Tanh: UnaryLayer {
    /// A hyperbolic tangent, which has no parameters.
    public init() {}

    public func outputShape(for input: Shape) throws(ShapeError) -> Shape { input }

    public func algorithms(for input: Shape, output: Shape, activation: Activation?) -> [Algorithm] {
        [Algorithm(ElementwiseOperation(name: "tanh", elementCount: input.elementCount) { tanh($0) })]
    }

    public func callAsFunction(_ input: Tensor) -> Tensor {
        Tensor(input.shape, scalars: input.scalars.map { Float(tanh(Double($0))) })
    }
}

/// Applies any function element by element, with one call per element. Networks with sigmoid or tanh are small, so this
/// is fast enough.
struct ElementwiseOperation: Operation {
    let name: String
    let elementCount: Int
    let function: @Sendable (Float) -> Float

    func run(_ run: OperationRun) {
        run.parallelForRanges(run.batchSize * elementCount, minCount: 4096) { range, _ in
            for index in range { run.output[index] = function(run.input()[index]) }
        }
    }
}

/// Dropout: during training it zeroes random values and scales up the others; at inference it does nothing.
///
/// Shape: any; the output's is the input's.
/// - Source: Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting";
///   `torch.nn.Dropout`.
public struct Dropout: UnaryLayer {
    /// The probability with which a value is zeroed, in 0 ..< 1.
    public let probability: Float

    /// A layer that zeroes values with this probability.
    public init(probability: Float = 0.5) {
        precondition((0..<1).contains(probability), "a probability of \(probability) leaves nothing")
        self.probability = probability
    }

    public func isView(of inputs: [Shape]) -> Bool { true }

    public func outputShape(for input: Shape) throws(ShapeError) -> Shape { input }

    public func algorithms(for input: Shape, output: Shape, activation: Activation?) -> [Algorithm] { [] }

    public func callAsFunction(_ input: Tensor) -> Tensor { input }
}
