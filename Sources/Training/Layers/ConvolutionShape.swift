import CKernels
import Inference

/// The extents of one convolution, in the terms of matrix products.
struct ConvolutionShape {
    /// `[C, H, W]`
    let input: Shape
    /// `[O, H', W']`
    let output: Shape
    let groups: Int
    let window: Window

    init(_ layer: Conv2d, input: Shape, output: Shape) {
        self.input = input
        self.output = output
        groups = layer.groups
        window = layer.window
    }

    var inputsPerGroup: Int { input[0] / groups }
    var outputsPerGroup: Int { output[0] / groups }
    /// How many products make one output value: (C / groups)·KH·KW.
    var depth: Int { inputsPerGroup * window.kernelSize.height * window.kernelSize.width }
    /// Output positions of one channel of one image.
    var positions: Int { output[1] * output[2] }

    /// The window's way over one image of one group.
    var kernelWindow: kernel_window {
        kernel_window(window, height: input[1], width: input[2], pixelStride: input[0], outputWidth: output[2])
    }
}
