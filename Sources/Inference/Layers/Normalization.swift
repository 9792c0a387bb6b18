import CKernels
import Foundation

/// Batch normalisation at inference, with the running mean and variance of each channel from training.
///
/// out = (in − mean) / √(variance + epsilon) · weight + bias. ``Network/foldingNormalizations()`` folds it into a
/// convolution.
///
/// Shape: input `[N, C, H, W]`, weight, bias, mean and variance `[C]`, output the input's.
/// - Source: Ioffe and Szegedy 2015, arXiv:1502.03167; `torch.nn.BatchNorm2d`.
public struct BatchNorm2d: UnaryLayer {
    /// The scale γ of each channel, shape `[C]`.
    public let weight: Tensor
    /// The shift β of each channel, shape `[C]`.
    public let bias: Tensor
    /// The running mean of each channel over the training images, shape `[C]`.
    public let runningMean: Tensor
    /// The running variance of each channel over the training images, shape `[C]`.
    public let runningVariance: Tensor
    /// Added to the variance, so that no division by zero occurs.
    public let epsilon: Double

    /// A normalisation with its parameters.
    ///
    /// - Precondition: every variance is above −`epsilon`.
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

    /// The number of channels.
    public var channelCount: Int { weight.shape[0] }
    public var parameters: [Tensor] { [weight, bias] }
    public var fusesActivation: Bool { true }

    /// The layer as an affine function of each channel: out = in · scale + shift.
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
                ChannelAffineOperation(
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

/// Scales and shifts each channel by constants: out = in · scale + shift. Some networks normalise their own input this
/// way.
///
/// Shape: input `[N, C, H, W]`, scale and shift `[C]`, output the input's.
public struct ChannelAffine: UnaryLayer {
    /// One factor for each channel, shape `[C]`.
    public let scale: Tensor
    /// One summand for each channel, added after scaling; shape `[C]`.
    public let shift: Tensor

    /// A layer with these constants.
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
        [Algorithm(ChannelAffineOperation(scale: scale, shift: shift, input: input, activation: activation))]
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

/// Computes ``ChannelAffine`` and ``BatchNorm2d``, pixel by pixel.
///
/// Shape: input and output `[N, H, W, C]`.
struct ChannelAffineOperation: Operation {
    let name = "pixels"
    let scale: Tensor
    let shift: Tensor
    /// `[C, H, W]`
    let input: Shape
    let activation: Activation?

    func run(_ run: OperationRun) {
        let channels = input[0]
        run.parallelForRanges(run.batchSize * input[1] * input[2], minCount: 256) { pixels, _ in
            let offset = pixels.lowerBound * channels
            scale.withUnsafeScalars { scale in
                shift.withUnsafeScalars { shift in
                    kernel_scale_columns(
                        run.input() + offset, pixels.count, channels, scale.baseAddress, shift.baseAddress,
                        activation == .relu, run.output + offset)
                }
            }
        }
    }
}

/// Local response normalisation: divides each value by a power of the sum of squares over neighbouring channels.
///
/// out[c] = in[c] / (k + a·Σ in[j]²)^beta, over `size` channels j around c. a is alpha / size in Caffe's convention,
/// and alpha in TensorFlow's.
///
/// Shape: input `[N, C, H, W]`, output the same.
/// - Source: Krizhevsky et al. 2012, §3.3; `torch.nn.LocalResponseNorm`; `tf.nn.local_response_normalization`.
public struct LocalResponseNorm: UnaryLayer {
    /// How alpha is defined.
    public enum Convention: String, Sendable, CaseIterable {
        /// Alpha multiplies the mean of the squares: Caffe's and PyTorch's convention.
        case caffe
        /// Alpha multiplies the sum of the squares: the convention of TensorFlow and of the paper.
        case tensorflow
    }

    /// The number of channels in the window. Units: channels.
    public let size: Int
    /// The factor of the squares; see ``Convention``.
    public let alpha: Float
    /// The exponent of the denominator.
    public let beta: Float
    /// The constant that is added before the power. Where all squares are zero, out = in / k^beta.
    public let k: Float
    /// How alpha is defined.
    public let convention: Convention

    /// A normalisation; the defaults are those of Caffe's AlexNet.
    public init(
        size: Int = 5, alpha: Float = 1e-4, beta: Float = 0.75, k: Float = 1, convention: Convention = .caffe
    ) {
        precondition(size > 0, "local response normalisation over \(size) channels is none")
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k
        self.convention = convention
    }

    /// The factor a of the formula, which multiplies each square.
    package var alphaPerTerm: Float { convention == .caffe ? alpha / Float(size) : alpha }

    public func outputShape(for input: Shape) throws(ShapeError) -> Shape {
        guard input.rank == 3 else {
            throw ShapeError(layer: "LocalResponseNorm(\(size))", found: [input], expected: "[C, H, W]")
        }
        return input
    }

    public func algorithms(for input: Shape, output: Shape, activation: Activation?) -> [Algorithm] {
        [Algorithm(LocalResponseNormOperation(layer: self, input: input))]
    }

    public func callAsFunction(_ input: Tensor) -> Tensor {
        let (channels, pixels) = (input.shape[1], input.shape[2] * input.shape[3])
        let x = input.scalars
        var output = x
        for n in 0..<input.shape[0] {
            for c in 0..<channels {
                for pixel in 0..<pixels {
                    var sum = 0.0
                    for j in max(0, c - size / 2)..<min(channels, c - size / 2 + size) {
                        let value = Double(x[(n * channels + j) * pixels + pixel])
                        sum += value * value
                    }
                    let index = (n * channels + c) * pixels + pixel
                    output[index] = Float(
                        Double(x[index]) / pow(Double(k) + Double(alphaPerTerm) * sum, Double(beta)))
                }
            }
        }
        return Tensor(input.shape, scalars: output)
    }
}

/// Computes ``LocalResponseNorm``, pixel by pixel.
///
/// Shape: input and output `[N, H, W, C]`.
struct LocalResponseNormOperation: Operation {
    let name = "pixels"
    let layer: LocalResponseNorm
    /// `[C, H, W]`
    let input: Shape

    func scratchByteCount(batchSize: Int) -> Int { (2 * input[0] + layer.size) * MemoryLayout<Float>.stride }

    func run(_ run: OperationRun) {
        let channels = input[0]
        run.parallelForRanges(run.batchSize * input[1] * input[2], minCount: 64) { pixels, slot in
            let offset = pixels.lowerBound * channels
            kernel_local_response_norm(
                run.input() + offset, run.output + offset, channels, pixels.count, layer.size, layer.alphaPerTerm,
                layer.beta, layer.k, run.scratch(slot: slot))
        }
    }
}
