import CKernels

/// The extents of one convolution, in the terms of a matrix product.
struct ConvolutionGeometry: Hashable, Sendable {
    let inputChannels: Int
    let height: Int
    let width: Int
    let outputChannels: Int
    let outputHeight: Int
    let outputWidth: Int
    let groups: Int
    let window: Window

    init(layer: Conv2d, input: Shape, output: Shape) {
        inputChannels = input[0]
        height = input[1]
        width = input[2]
        outputChannels = output[0]
        outputHeight = output[1]
        outputWidth = output[2]
        groups = layer.groups
        window = layer.window
    }

    var inputsPerGroup: Int { inputChannels / groups }
    var outputsPerGroup: Int { outputChannels / groups }

    /// How many products make one output value: (C / groups)·KH·KW.
    var depth: Int { inputsPerGroup * window.kernelSize.height * window.kernelSize.width }

    /// Output positions of one channel of one image.
    var positions: Int { outputHeight * outputWidth }

    var multiplyAddCount: Int { outputChannels * depth * positions }

    /// Set where each window is one pixel, so that the input already is the matrix of rows.
    var isPointwise: Bool {
        window == Window(kernelSize: 1)
    }

    /// What the time of an algorithm depends on, in words: the key of its measurements.
    var workload: String {
        "conv \(inputChannels)x\(height)x\(width) to \(outputChannels), kernel \(window.kernelSize), "
            + "stride \(window.stride), padding \(window.padding), groups \(groups)"
    }

    /// The same in C's terms.
    var kernelWindow: kernel_window {
        kernel_window(window, height: height, width: width, pixelStride: inputChannels, outputWidth: outputWidth)
    }
}

extension kernel_window {
    package init(_ window: Window, height: Int, width: Int, pixelStride: Int, outputWidth: Int) {
        self.init(
            height: height, width: width, pixel_stride: pixelStride,
            kernel_height: window.kernelSize.height, kernel_width: window.kernelSize.width,
            stride_height: window.stride.height, stride_width: window.stride.width,
            padding_height: window.padding.height, padding_width: window.padding.width,
            output_width: outputWidth)
    }
}
