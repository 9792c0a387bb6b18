/// The channels of its inputs one behind the other: where branches meet.
///
/// Shape: inputs `[N, C₁, H, W]`, `[N, C₂, H, W]`, …, output `[N, C₁ + C₂ + …, H, W]`.
/// - Source: Szegedy et al. 2014, arXiv:1409.4842, §4; `torch.cat(x, 1)`.
public struct Concat: Layer {
    /// The layer, which has no parameters.
    public init() {}

    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard let first = inputs.first, first.rank == 3,
            inputs.allSatisfy({ $0.rank == 3 && $0[1] == first[1] && $0[2] == first[2] })
        else {
            throw ShapeError(layer: "Concat", found: inputs, expected: "[C, H, W] with the same rows and columns each")
        }
        return [inputs.reduce(0) { $0 + $1[0] }, first[1], first[2]]
    }

    public func algorithms(for inputs: [Shape], activation: Activation?) -> [Algorithm] {
        [Algorithm(ChannelConcatenation(channels: inputs.map { $0[0] }, pixelCount: inputs[0][1] * inputs[0][2]))]
    }

    public func callAsFunction(_ inputs: [Tensor]) -> Tensor {
        let (count, height, width) = (inputs[0].shape[0], inputs[0].shape[2], inputs[0].shape[3])
        let values = inputs.map(\.scalars)
        var output: [Float] = []
        for n in 0..<count {
            for (input, x) in zip(inputs, values) {
                let size = input.shape[1] * height * width
                output += x[n * size..<(n + 1) * size]
            }
        }
        return Tensor([count, inputs.reduce(0) { $0 + $1.shape[1] }, height, width], scalars: output)
    }
}
