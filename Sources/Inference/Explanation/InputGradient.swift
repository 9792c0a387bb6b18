import CKernels

/// A layer of a classifier's head through which the gradient of one class can be led back.
///
/// Only the layers after the last feature map are needed, for one image at a time, so simple loops suffice. Training has
/// backward passes of its own, for batches and for parameters.
protocol HeadLayer: UnaryLayer {
    /// The gradient with respect to the layer's input.
    ///
    /// Shape: as the engine lays one image out: `[H, W, C]` where there are rows and columns, else `[F]`.
    /// - Parameters:
    ///   - gradient: that with respect to the output.
    ///   - values: what the layer read and wrote.
    func inputGradient(_ gradient: [Float], _ values: HeadValues) -> [Float]
}

/// What a layer of the head read and wrote for one image.
struct HeadValues {
    /// The shape of the input, `[C, H, W]` or `[F]`.
    let inputShape: Shape
    /// The shape of the output, `[C, H', W']` or `[F]`.
    let outputShape: Shape
    /// Shape: `[H, W, C]` or `[F]`.
    let input: [Float]
    /// Shape: `[H', W', C]` or `[F]`. Where an activation is fused into the layer, its output.
    let output: [Float]
}

extension ReLU: HeadLayer {
    func inputGradient(_ gradient: [Float], _ values: HeadValues) -> [Float] {
        zip(gradient, values.output).map { $1 > 0 ? $0 : 0 }
    }
}

extension Dropout: HeadLayer {
    /// Nothing is dropped when a model is served.
    func inputGradient(_ gradient: [Float], _ values: HeadValues) -> [Float] { gradient }
}

extension Sigmoid: HeadLayer {
    func inputGradient(_ gradient: [Float], _ values: HeadValues) -> [Float] {
        zip(gradient, values.output).map { $0 * $1 * (1 - $1) }
    }
}

extension Tanh: HeadLayer {
    func inputGradient(_ gradient: [Float], _ values: HeadValues) -> [Float] {
        zip(gradient, values.output).map { $0 * (1 - $1 * $1) }
    }
}

extension ChannelAffine: HeadLayer {
    func inputGradient(_ gradient: [Float], _ values: HeadValues) -> [Float] {
        let scales = scale.scalars
        return gradient.enumerated().map { $1 * scales[$0 % scales.count] }
    }
}

extension Flatten: HeadLayer {
    /// From `[C, H, W]`, the order of a linear layer's weights, to `[H, W, C]`.
    func inputGradient(_ gradient: [Float], _ values: HeadValues) -> [Float] {
        let shape = values.inputShape
        guard shape.rank == 3 else { return gradient }
        let (channels, pixels) = (shape[0], shape[1] * shape[2])
        return (0..<gradient.count).map { gradient[$0 % channels * pixels + $0 / channels] }
    }
}

extension Linear: HeadLayer {
    /// Wᵀ·g. Outputs whose gradient is zero, as after a ReLU half of them are, cost nothing.
    func inputGradient(_ gradient: [Float], _ values: HeadValues) -> [Float] {
        var sums = [Float](repeating: 0, count: inputFeatures)
        sums.withUnsafeMutableBufferPointer { sums in
            for (output, factor) in gradient.enumerated() where factor != 0 {
                weight.add(row: output, times: factor, to: sums)
            }
        }
        return sums
    }
}

extension Conv2d: HeadLayer {
    /// The transposed convolution. In a head, a convolution stands for a linear layer: its output is one pixel.
    func inputGradient(_ gradient: [Float], _ values: HeadValues) -> [Float] {
        let (height, width) = (values.inputShape[1], values.inputShape[2])
        let outputWidth = values.outputShape[2]
        let (inputsPerGroup, outputsPerGroup) = (weight.shape[1], outputChannels / groups)
        let kernels = weight.scalars
        var sums = [Float](repeating: 0, count: values.inputShape.elementCount)
        for (index, factor) in gradient.enumerated() where factor != 0 {
            let (pixel, output) = (index / outputChannels, index % outputChannels)
            let first = output / outputsPerGroup * inputsPerGroup
            window.forEachInput(of: (pixel / outputWidth, pixel % outputWidth), height: height, width: width) {
                place, kernel in
                for input in 0..<inputsPerGroup {
                    let area = window.kernelSize.height * window.kernelSize.width
                    sums[place * inputChannels + first + input] +=
                        factor * kernels[(output * inputsPerGroup + input) * area + kernel]
                }
            }
        }
        return sums
    }
}

extension MaxPool2d: HeadLayer {
    /// The gradient goes to the first of the largest pixels of each window, as in PyTorch.
    func inputGradient(_ gradient: [Float], _ values: HeadValues) -> [Float] {
        let (channels, height, width) = (values.inputShape[0], values.inputShape[1], values.inputShape[2])
        let outputWidth = values.outputShape[2]
        var sums = [Float](repeating: 0, count: values.inputShape.elementCount)
        for (index, factor) in gradient.enumerated() where factor != 0 {
            let (pixel, channel) = (index / channels, index % channels)
            var largest: (value: Float, place: Int)?
            window.forEachInput(of: (pixel / outputWidth, pixel % outputWidth), height: height, width: width) {
                place, _ in
                let value = values.input[place * channels + channel]
                if largest.map({ value > $0.value }) ?? true { largest = (value, place) }
            }
            if let largest { sums[largest.place * channels + channel] += factor }
        }
        return sums
    }
}

extension AvgPool2d: HeadLayer {
    func inputGradient(_ gradient: [Float], _ values: HeadValues) -> [Float] {
        let (channels, height, width) = (values.inputShape[0], values.inputShape[1], values.inputShape[2])
        let outputWidth = values.outputShape[2]
        var sums = [Float](repeating: 0, count: values.inputShape.elementCount)
        for pixel in 0..<gradient.count / channels {
            let window = (pixel / outputWidth, pixel % outputWidth)
            var places: [Int] = []
            self.window.forEachInput(of: window, height: height, width: width) { place, _ in places.append(place) }
            let count = countsPadding ? self.window.paddedArea(of: window, height: height, width: width) : places.count
            for place in places {
                for channel in 0..<channels {
                    sums[place * channels + channel] += gradient[pixel * channels + channel] / Float(count)
                }
            }
        }
        return sums
    }
}

extension AdaptiveAvgPool2d: HeadLayer {
    func inputGradient(_ gradient: [Float], _ values: HeadValues) -> [Float] {
        let (channels, height, width) = (values.inputShape[0], values.inputShape[1], values.inputShape[2])
        var sums = [Float](repeating: 0, count: values.inputShape.elementCount)
        for y in 0..<outputSize.height {
            let rows = region(y, of: outputSize.height, over: height)
            for x in 0..<outputSize.width {
                let columns = region(x, of: outputSize.width, over: width)
                let first = (y * outputSize.width + x) * channels
                for row in rows {
                    for column in columns {
                        for channel in 0..<channels {
                            sums[(row * width + column) * channels + channel] +=
                                gradient[first + channel] / Float(rows.count * columns.count)
                        }
                    }
                }
            }
        }
        return sums
    }
}

extension Window {
    /// Calls `body` for each pixel of the input under a window: with its number in the input and in the window.
    fileprivate func forEachInput(
        of position: (row: Int, column: Int), height: Int, width: Int, _ body: (_ place: Int, _ kernel: Int) -> Void
    ) {
        for ky in 0..<kernelSize.height {
            let y = position.row * stride.height + ky - padding.height
            guard 0..<height ~= y else { continue }
            for kx in 0..<kernelSize.width {
                let x = position.column * stride.width + kx - padding.width
                guard 0..<width ~= x else { continue }
                body(y * width + x, ky * kernelSize.width + kx)
            }
        }
    }

    /// The number of pixels under a window, those of the padding included, but none beyond it.
    fileprivate func paddedArea(of position: (row: Int, column: Int), height: Int, width: Int) -> Int {
        let rows = min(kernelSize.height, height + 2 * padding.height - position.row * stride.height)
        let columns = min(kernelSize.width, width + 2 * padding.width - position.column * stride.width)
        return rows * columns
    }
}
