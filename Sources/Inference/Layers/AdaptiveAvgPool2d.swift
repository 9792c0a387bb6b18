/// Means over regions that divide the input, so that the output has a given size whatever the input's is.
///
/// Shape: input `[N, C, H, W]`, output `[N, C, H', W']`; row y' is the mean of rows ⌊y'·H/H'⌋ ..< ⌈(y' + 1)·H/H'⌉.
/// - Source: PyTorch, `torch.nn.AdaptiveAvgPool2d`.
public struct AdaptiveAvgPool2d: UnaryLayer {
    /// Of the output, whatever the input's is.
    public let outputSize: Size2d

    /// A pooling to `outputSize`, whatever the input's size is.
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
        [Algorithm(AdaptiveAveragePooling(input: input, outputSize: outputSize))]
    }

    /// Regions of one value each.
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

    private func region(_ index: Int, of count: Int, over extent: Int) -> Range<Int> {
        index * extent / count..<((index + 1) * extent + count - 1) / count
    }
}
