/// Lays an image's channels, rows and columns out as one axis.
///
/// Shape: input `[N, C, H, W]`, output `[N, C·H·W]`.
/// - Source: PyTorch, `torch.flatten(x, 1)`.
public struct Flatten: UnaryLayer {
    /// The view, which has no parameters.
    public init() {}

    public var isView: Bool { true }

    public func outputShape(for input: Shape) throws(ShapeError) -> Shape { [input.elementCount] }

    public func operations(for input: Shape, output: Shape, activation: Activation?) -> [any Operation] { [] }

    public func callAsFunction(_ input: Tensor) -> Tensor {
        input.reshaped(to: [input.shape[0], input.shape.elementCount / max(input.shape[0], 1)])
    }
}
