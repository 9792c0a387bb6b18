import Foundation

/// Divides each value by a power of the energy of its neighbours in other channels.
///
/// out[c] = in[c] / (k + a·Σ in[j]²)^beta, over the `size` channels j around c; a is alpha / size where the
/// convention is Caffe's, and alpha itself where it is TensorFlow's.
///
/// Shape: input `[N, C, H, W]`, output the same.
/// - Source: Krizhevsky et al. 2012, §3.3; `torch.nn.LocalResponseNorm`; `tf.nn.local_response_normalization`.
public struct LocalResponseNorm: UnaryLayer {
    /// What alpha is a factor of.
    public enum Convention: String, Sendable, CaseIterable {
        /// Of the mean square: Caffe's and PyTorch's.
        case caffe
        /// Of each square: TensorFlow's and the paper's.
        case tensorflow
    }

    /// How many channels are neighbours. Units: channels.
    public let size: Int
    /// How strongly the neighbours count; see ``Convention``.
    public let alpha: Float
    /// The exponent.
    public let beta: Float
    /// What is divided by where all is quiet.
    public let k: Float
    /// What alpha is a factor of.
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

    /// The factor of each square.
    package var alphaPerTerm: Float { convention == .caffe ? alpha / Float(size) : alpha }

    public func outputShape(for input: Shape) throws(ShapeError) -> Shape {
        guard input.rank == 3 else {
            throw ShapeError(layer: "LocalResponseNorm(\(size))", found: [input], expected: "[C, H, W]")
        }
        return input
    }

    public func algorithms(for input: Shape, output: Shape, activation: Activation?) -> [Algorithm] {
        [Algorithm(CrossChannelNormalization(layer: self, input: input))]
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
