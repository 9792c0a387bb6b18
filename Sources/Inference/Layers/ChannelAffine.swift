/// Scales and shifts each channel by numbers that were never learned, as a network's own way of normalising its input.
///
/// Shape: input `[N, C, H, W]`, scale and shift `[C]`, output the input's.
public struct ChannelAffine: UnaryLayer {
    /// One factor a channel, `[C]`.
    public let scale: Tensor
    /// What is added to each channel then, `[C]`.
    public let shift: Tensor

    /// A layer with one scale and one shift a channel.
    public init(scale: Tensor, shift: Tensor) {
        precondition(
            scale.shape.rank == 1 && scale.shape == shift.shape,
            "scales of \(scale.shape) and shifts of \(shift.shape) are not one a channel")
        self.scale = scale
        self.shift = shift
    }

    public var fusesActivation: Bool { true }

    public func outputShape(for input: Shape) throws(ShapeError) -> Shape {
        guard input.rank == 3, input[0] == scale.shape[0] else {
            throw ShapeError(
                layer: "ChannelAffine(\(scale.shape[0]))", found: [input], expected: "[\(scale.shape[0]), H, W]")
        }
        return input
    }

    public func algorithms(for input: Shape, output: Shape, activation: Activation?) -> [Algorithm] {
        [Algorithm(ChannelScaling(scale: scale, shift: shift, input: input, activation: activation))]
    }

    public func callAsFunction(_ input: Tensor) -> Tensor {
        let (channels, pixels) = (input.shape[1], input.shape[2] * input.shape[3])
        let (a, b) = (scale.scalars, shift.scalars)
        return Tensor(
            input.shape,
            scalars: input.scalars.enumerated().map { index, value in
                let channel = index / pixels % channels
                return Float(Double(value) * Double(a[channel]) + Double(b[channel]))
            })
    }
}
