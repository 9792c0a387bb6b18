/// The rectified linear unit, max(x, 0).
///
/// Shape: any; the output's is the input's.
/// - Source: Krizhevsky et al. 2012, §3.1.
public struct ReLU: UnaryLayer {
    /// The rectifier, which has no parameters.
    public init() {}

    public func outputShape(for input: Shape) throws(ShapeError) -> Shape { input }

    public func algorithms(for input: Shape, output: Shape, activation: Activation?) -> [Algorithm] {
        [Algorithm(ElementwiseReLU(elementCount: input.elementCount))]
    }

    public func callAsFunction(_ input: Tensor) -> Tensor {
        Tensor(input.shape, scalars: input.scalars.map { $0 < 0 ? 0 : $0 })
    }
}
