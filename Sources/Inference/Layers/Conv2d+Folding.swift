extension Conv2d {
    /// The convolution that answers what this one and then a normalisation of its output would.
    ///
    /// Both are linear: the kernels of a channel are multiplied by γ / √(variance + epsilon), in float64 until the last step.
    /// - Source: Jacob et al. 2017, arXiv:1712.05877, §3.2.
    func folding(_ normalization: BatchNorm2d) -> Conv2d {
        let factors = normalization.factors
        precondition(
            factors.count == outputChannels, "\(factors.count) channels are normalised of \(outputChannels)")
        let kernelSize = weight.shape.elementCount / max(outputChannels, 1)
        let folded = Tensor(weight.shape) { folded in
            weight.withUnsafeScalars { kernels in
                for (channel, factor) in factors.enumerated() {
                    for index in channel * kernelSize..<(channel + 1) * kernelSize {
                        folded.initializeElement(at: index, to: Float(Double(kernels[index]) * factor.scale))
                    }
                }
            }
        }
        return Conv2d(
            weight: folded,
            bias: Tensor(
                bias.shape,
                scalars: zip(bias.scalars, factors).map { Float(Double($0) * $1.scale + $1.shift) }),
            stride: window.stride, padding: window.padding, groups: groups)
    }
}
