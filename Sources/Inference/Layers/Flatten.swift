/// Lays an image's channels, rows and columns out as one axis.
///
/// Shape: input `[N, C, H, W]`, output `[N, C·H·W]`.
/// - Source: PyTorch, `torch.flatten(x, 1)`.
public struct Flatten: UnaryLayer {
    /// The layer, which has no parameters.
    public init() {}

    /// One channel or one pixel lies in memory as it will be read.
    public func isView(of inputs: [Shape]) -> Bool {
        inputs[0].rank == 1 || inputs[0][0] == 1 || inputs[0].elementCount == inputs[0][0]
    }

    public func outputShape(for input: Shape) throws(ShapeError) -> Shape { [input.elementCount] }

    public func algorithms(for input: Shape, output: Shape, activation: Activation?) -> [Algorithm] {
        [Algorithm(ChannelFlattening(input: input))]
    }

    public func callAsFunction(_ input: Tensor) -> Tensor {
        input.reshaped(to: [input.shape[0], input.shape.elementCount / max(input.shape[0], 1)])
    }
}
