/// Batch normalisation as a network predicts with it: each channel less its running mean, divided by its running deviation.
///
/// out = (in − mean) / √(variance + epsilon) · weight + bias, which ``Network/foldingNormalizations()`` lets the convolution
/// before it compute.
///
/// Shape: input `[N, C, H, W]`, weight, bias, mean and variance `[C]`, output the input's.
/// - Source: Ioffe and Szegedy 2015, arXiv:1502.03167; `torch.nn.BatchNorm2d`.
public struct BatchNorm2d: UnaryLayer {
    /// γ, `[C]`.
    public let weight: Tensor
    /// β, `[C]`.
    public let bias: Tensor
    /// Of each channel, over the training's pictures, `[C]`.
    public let runningMean: Tensor
    /// Of each channel, over the training's pictures, `[C]`.
    public let runningVariance: Tensor
    /// What keeps the deviation from being zero.
    public let epsilon: Double

    /// A normalisation with its parameters; the variance is above −`epsilon` everywhere.
    public init(
        weight: Tensor, bias: Tensor, runningMean: Tensor, runningVariance: Tensor, epsilon: Double = 1e-5
    ) {
        precondition(
            weight.shape.rank == 1
                && [bias, runningMean, runningVariance].allSatisfy { $0.shape == weight.shape },
            "a normalisation's parameters have one value a channel each")
        self.weight = weight
        self.bias = bias
        self.runningMean = runningMean
        self.runningVariance = runningVariance
        self.epsilon = epsilon
    }

    /// How many channels are normalised.
    public var channelCount: Int { weight.shape[0] }
    public var parameters: [Tensor] { [weight, bias] }
    public var fusesActivation: Bool { true }

    /// What the layer comes to: a factor and a summand a channel.
    var factors: [(scale: Double, shift: Double)] {
        let (mean, variance) = (runningMean.scalars, runningVariance.scalars)
        let (gamma, beta) = (weight.scalars, bias.scalars)
        return gamma.indices.map { channel in
            let scale = Double(gamma[channel]) / (Double(variance[channel]) + epsilon).squareRoot()
            return (scale, Double(beta[channel]) - Double(mean[channel]) * scale)
        }
    }

    public func outputShape(for input: Shape) throws(ShapeError) -> Shape {
        guard input.rank == 3, input[0] == channelCount else {
            throw ShapeError(layer: "BatchNorm2d(\(channelCount))", found: [input], expected: "[\(channelCount), H, W]")
        }
        return input
    }

    public func algorithms(for input: Shape, output: Shape, activation: Activation?) -> [Algorithm] {
        let factors = factors
        return [
            Algorithm(
                ChannelScaling(
                    scale: Tensor([channelCount], scalars: factors.map { Float($0.scale) }),
                    shift: Tensor([channelCount], scalars: factors.map { Float($0.shift) }), input: input,
                    activation: activation))
        ]
    }

    public func callAsFunction(_ input: Tensor) -> Tensor {
        let (channels, pixels) = (input.shape[1], input.shape[2] * input.shape[3])
        let (mean, variance) = (runningMean.scalars, runningVariance.scalars)
        let (gamma, beta) = (weight.scalars, bias.scalars)
        return Tensor(
            input.shape,
            scalars: input.scalars.enumerated().map { index, value in
                let channel = index / pixels % channels
                let deviation = (Double(variance[channel]) + epsilon).squareRoot()
                return Float(
                    (Double(value) - Double(mean[channel])) / deviation * Double(gamma[channel]) + Double(beta[channel])
                )
            })
    }
}
