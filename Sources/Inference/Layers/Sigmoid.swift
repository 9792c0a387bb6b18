import Foundation

/// The logistic function, 1 / (1 + e⁻ˣ), element by element.
///
/// Shape: any; the output's is the input's.
/// - Source: PyTorch, `torch.nn.Sigmoid`.
public struct Sigmoid: UnaryLayer {
    /// The function, which has no parameters.
    public init() {}

    public func outputShape(for input: Shape) throws(ShapeError) -> Shape { input }

    public func algorithms(for input: Shape, output: Shape, activation: Activation?) -> [Algorithm] {
        [Algorithm(ElementwiseFunction(name: "sigmoid", elementCount: input.elementCount) { 1 / (1 + exp(-$0)) })]
    }

    public func callAsFunction(_ input: Tensor) -> Tensor {
        Tensor(input.shape, scalars: input.scalars.map { Float(1 / (1 + exp(-Double($0)))) })
    }
}
