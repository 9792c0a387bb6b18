import CKernels

/// Max pooling: the largest value under each window. Windows overlap if the stride is smaller than the kernel.
///
/// Shape: input `[N, C, H, W]`, output `[N, C, H', W']`, H' = (H + 2·padding − kernel) / stride + 1, rounded down, or
/// up with PyTorch's `ceil_mode`.
/// Limits: padding is at most half the kernel, so that every window contains part of the input.
/// - Source: PyTorch, `torch.nn.MaxPool2d`; overlapping: Krizhevsky et al. 2012, §3.4.
public struct MaxPool2d: UnaryLayer {
    /// Size, stride and padding of the windows.
    public let window: Window

    /// A max pooling layer; `roundsUp` is PyTorch's `ceil_mode`.
    public init(kernelSize: Size2d, stride: Size2d, padding: Size2d = 0, roundsUp: Bool = false) {
        window = Window(poolingOf: kernelSize, stride: stride, padding: padding, roundsUp: roundsUp)
    }

    public var passesBytes: Bool { true }

    public func outputShape(for input: Shape) throws(ShapeError) -> Shape {
        try window.pooledShape(of: input, layer: "MaxPool2d")
    }

    public func algorithms(for input: Shape, output: Shape, activation: Activation?) -> [Algorithm] {
        [Algorithm(MaxPool2dOperation(window: window, input: input, output: output))]
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

/// Computes ``MaxPool2d``, all channels of a window at once.
///
/// Shape: input `[N, H, W, C]`, output `[N, H', W', C]`.
struct MaxPool2dOperation: Operation {
    let name = "windows"
    let window: Window
    /// The shape of one image's input, `[C, H, W]`.
    let input: Shape
    /// The shape of one image's output, `[C, H', W']`.
    let output: Shape

    func run(_ run: OperationRun) {
        run.parallelFor(run.batchSize) { image, _ in
            var window = kernel_window(
                window, height: input[1], width: input[2], pixelStride: input[0], outputWidth: output[2])
            switch run.inputFormat() {
            case .float32:
                kernel_max_pool(
                    run.input() + image * input.elementCount, &window, input[0], output[1],
                    run.output + image * output.elementCount)
            case .bytes:
                kernel_max_pool_bytes(
                    run.inputBytes() + image * input.elementCount, &window, input[0], output[1],
                    run.outputBytes + image * output.elementCount)
            }
        }
    }
}

/// Average pooling: the mean under each window.
///
/// Shape: input `[N, C, H, W]`, output `[N, C, H', W']`, H' = (H + 2·padding − kernel) / stride + 1, rounded down, or
/// up with PyTorch's `ceil_mode`.
/// Limits: padding is at most half the kernel, so that every window contains part of the input.
/// - Source: PyTorch, `torch.nn.AvgPool2d`; the subsampling of LeCun et al. 1998, §II.B.
public struct AvgPool2d: UnaryLayer {
    /// Size, stride and padding of the windows.
    public let window: Window
    /// Whether the zeros of the padding count towards the mean: PyTorch's `count_include_pad`.
    public let countsPadding: Bool

    /// An average pooling layer; `roundsUp` is PyTorch's `ceil_mode`.
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
        [Algorithm(AvgPool2dOperation(window: window, countsPadding: countsPadding, input: input, output: output))]
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

/// Computes ``AvgPool2d``, all channels of a window at once.
///
/// Shape: input `[N, H, W, C]`, output `[N, H', W', C]`.
struct AvgPool2dOperation: Operation {
    let name = "windows"
    let window: Window
    let countsPadding: Bool
    /// The shape of one image's input, `[C, H, W]`.
    let input: Shape
    /// The shape of one image's output, `[C, H', W']`.
    let output: Shape

    func run(_ run: OperationRun) {
        run.parallelFor(run.batchSize) { image, _ in
            var window = kernel_window(
                window, height: input[1], width: input[2], pixelStride: input[0], outputWidth: output[2])
            kernel_average_pool(
                run.input() + image * input.elementCount, &window, input[0], output[1], countsPadding,
                run.output + image * output.elementCount)
        }
    }
}

/// Adaptive average pooling: the output has a given size, and each output is the mean of one region of the input.
///
/// Shape: input `[N, C, H, W]`, output `[N, C, H', W']`; row y' is the mean of rows ⌊y'·H/H'⌋ ..< ⌈(y' + 1)·H/H'⌉.
/// - Source: PyTorch, `torch.nn.AdaptiveAvgPool2d`.
public struct AdaptiveAvgPool2d: UnaryLayer {
    /// Rows and columns of the output, for an input of any size. Units: pixels.
    public let outputSize: Size2d

    /// An adaptive pooling layer with outputs of this size.
    public init(outputSize: Size2d) {
        precondition(outputSize.height > 0 && outputSize.width > 0, "an output of \(outputSize) is empty")
        self.outputSize = outputSize
    }

    public func outputShape(for input: Shape) throws(ShapeError) -> Shape {
        guard input.rank == 3, input[1] > 0, input[2] > 0 else {
            throw ShapeError(
                layer: "AdaptiveAvgPool2d(\(outputSize))", found: [input],
                expected: "[C, H, W]")
        }
        return [input[0], outputSize.height, outputSize.width]
    }

    public func algorithms(for input: Shape, output: Shape, activation: Activation?) -> [Algorithm] {
        [Algorithm(AdaptiveAvgPool2dOperation(input: input, outputSize: outputSize))]
    }

    /// If input and output have the same size, each region is one pixel, and its mean is that pixel.
    public func isView(of inputs: [Shape]) -> Bool {
        inputs[0][1] == outputSize.height && inputs[0][2] == outputSize.width
    }

    public func callAsFunction(_ input: Tensor) -> Tensor {
        let (height, width) = (input.shape[2], input.shape[3])
        let x = input.scalars
        var output: [Float] = []
        for plane in 0..<input.shape[0] * input.shape[1] {
            for y in 0..<outputSize.height {
                let rows = region(y, of: outputSize.height, over: height)
                for column in 0..<outputSize.width {
                    let columns = region(column, of: outputSize.width, over: width)
                    var sum = 0.0
                    for i in rows { for j in columns { sum += Double(x[(plane * height + i) * width + j]) } }
                    output.append(Float(sum / Double(rows.count * columns.count)))
                }
            }
        }
        return Tensor([input.shape[0], input.shape[1], outputSize.height, outputSize.width], scalars: output)
    }

    func region(_ index: Int, of count: Int, over extent: Int) -> Range<Int> {
        index * extent / count..<((index + 1) * extent + count - 1) / count
    }
}

/// Computes ``AdaptiveAvgPool2d``, all channels of a region at once.
///
/// Shape: input `[N, H, W, C]`, output `[N, H', W', C]`.
struct AdaptiveAvgPool2dOperation: Operation {
    let name = "regions"
    /// The shape of one image's input, `[C, H, W]`.
    let input: Shape
    let outputSize: Size2d

    func run(_ run: OperationRun) {
        let outputCount = input[0] * outputSize.height * outputSize.width
        run.parallelFor(run.batchSize) { image, _ in
            kernel_adaptive_average_pool(
                run.input() + image * input.elementCount, input[1], input[2], input[0], outputSize.height,
                outputSize.width, run.output + image * outputCount)
        }
    }
}
