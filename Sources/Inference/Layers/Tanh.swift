import Foundation

/// The hyperbolic tangent, element by element.
///
/// Shape: any; the output's is the input's.
/// - Source: LeCun et al. 1998, "Gradient-based learning applied to document recognition", §II.B; `torch.nn.Tanh`.
public struct Tanh: UnaryLayer {
    /// The function, which has no parameters.
    public init() {}

    public func outputShape(for input: Shape) throws(ShapeError) -> Shape { input }

    public func algorithms(for input: Shape, output: Shape, activation: Activation?) -> [Algorithm] {
        [Algorithm(ElementwiseFunction(name: "tanh", elementCount: input.elementCount) { tanh($0) })]
    }

    public func callAsFunction(_ input: Tensor) -> Tensor {
        Tensor(input.shape, scalars: input.scalars.map { Float(tanh(Double($0))) })
    }
}
