/// The largest value under each window; with a stride below the kernel size the windows overlap.
///
/// Shape: input `[N, C, H, W]`, output `[N, C, H', W']`, H' = (H + 2·padding − kernel) / stride + 1, rounded down, or up as `ceil_mode` does.
/// Limits: padding is at most half the kernel, so that no window is empty.
/// - Source: PyTorch, `torch.nn.MaxPool2d`; overlapping: Krizhevsky et al. 2012, §3.4.
public struct MaxPool2d: UnaryLayer {
    /// How the window walks.
    public let window: Window

    /// A pooling; `roundsUp` is PyTorch's `ceil_mode`.
    public init(kernelSize: Size2d, stride: Size2d, padding: Size2d = 0, roundsUp: Bool = false) {
        window = Window(poolingOf: kernelSize, stride: stride, padding: padding, roundsUp: roundsUp)
    }

    public func outputShape(for input: Shape) throws(ShapeError) -> Shape {
        try window.pooledShape(of: input, layer: "MaxPool2d")
    }

    public func algorithms(for input: Shape, output: Shape, activation: Activation?) -> [Algorithm] {
        [Algorithm(MaxPooling(window: window, input: input, output: output))]
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
                    var largest = -Float.infinity
                    for ky in 0..<window.kernelSize.height {
                        for kx in 0..<window.kernelSize.width {
                            let inputY = y * window.stride.height + ky - window.padding.height
                            let inputX = column * window.stride.width + kx - window.padding.width
                            guard 0..<height ~= inputY, 0..<width ~= inputX else { continue }
                            largest = max(largest, x[(plane * height + inputY) * width + inputX])
                        }
                    }
                    output.append(largest)
                }
            }
        }
        return Tensor([input.shape[0], input.shape[1], size.height, size.width], scalars: output)
    }
}
