/// The mean under each window.
///
/// Shape: input `[N, C, H, W]`, output `[N, C, H', W']`, H' = (H + 2·padding − kernel) / stride + 1, rounded down, or up as `ceil_mode` does.
/// Limits: padding is at most half the kernel, so that no window is empty.
/// - Source: PyTorch, `torch.nn.AvgPool2d`; the subsampling of LeCun et al. 1998, §II.B.
public struct AvgPool2d: UnaryLayer {
    /// How the window walks.
    public let window: Window
    /// Whether the padding's zeros count among the values of a mean: PyTorch's `count_include_pad`.
    public let countsPadding: Bool

    /// A pooling; `roundsUp` is PyTorch's `ceil_mode`.
    public init(
        kernelSize: Size2d, stride: Size2d, padding: Size2d = 0, roundsUp: Bool = false, countsPadding: Bool = true
    ) {
        window = Window(poolingOf: kernelSize, stride: stride, padding: padding, roundsUp: roundsUp)
        self.countsPadding = countsPadding
    }

    public func outputShape(for input: Shape) throws(ShapeError) -> Shape {
        try window.pooledShape(of: input, layer: "AvgPool2d")
    }

    public func algorithms(for input: Shape, output: Shape, activation: Activation?) -> [Algorithm] {
        [Algorithm(AveragePooling(window: window, countsPadding: countsPadding, input: input, output: output))]
    }

    public func callAsFunction(_ input: Tensor) -> Tensor {
        let (height, width) = (input.shape[2], input.shape[3])
        guard let size = window.outputSize(for: Size2d(height: height, width: width)) else {
            preconditionFailure("a window of \(window.kernelSize) does not fit \(input.shape)")
        }
        let x = input.scalars
        var output: [Float] = []
        for plane in 0..<input.shape[0] * input.shape[1] {
            for y in 0..<size.height {
                for column in 0..<size.width {
                    var sum = 0.0
                    var (inputCount, paddedCount) = (0, 0)
                    for ky in 0..<window.kernelSize.height {
                        for kx in 0..<window.kernelSize.width {
                            let inputY = y * window.stride.height + ky - window.padding.height
                            let inputX = column * window.stride.width + kx - window.padding.width
                            guard inputY < height + window.padding.height, inputX < width + window.padding.width
                            else { continue }
                            paddedCount += 1
                            guard 0..<height ~= inputY, 0..<width ~= inputX else { continue }
                            inputCount += 1
                            sum += Double(x[(plane * height + inputY) * width + inputX])
                        }
                    }
                    output.append(Float(sum / Double(countsPadding ? paddedCount : inputCount)))
                }
            }
        }
        return Tensor([input.shape[0], input.shape[1], size.height, size.width], scalars: output)
    }
}
