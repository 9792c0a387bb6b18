import CKernels

/// Concatenates its inputs along the channel axis, where branches join.
///
/// Shape: inputs `[N, C₁, H, W]`, `[N, C₂, H, W]`, …, output `[N, C₁ + C₂ + …, H, W]`.
/// - Source: Szegedy et al. 2014, arXiv:1409.4842, §4; `torch.cat(x, 1)`.
public struct Concat: Layer {
    /// The layer, which has no parameters.
    public init() {}

    public var passesBytes: Bool { true }

    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard let first = inputs.first, first.rank == 3,
            inputs.allSatisfy({ $0.rank == 3 && $0[1] == first[1] && $0[2] == first[2] })
        else {
            throw ShapeError(layer: "Concat", found: inputs, expected: "[C, H, W] with the same rows and columns each")
        }
        return [inputs.reduce(0) { $0 + $1[0] }, first[1], first[2]]
    }

    public func algorithms(for inputs: [Shape], activation: Activation?) -> [Algorithm] {
        [Algorithm(ConcatOperation(channels: inputs.map { $0[0] }, pixelCount: inputs[0][1] * inputs[0][2]))]
    }

    public func callAsFunction(_ inputs: [Tensor]) -> Tensor {
        let (count, height, width) = (inputs[0].shape[0], inputs[0].shape[2], inputs[0].shape[3])
        let values = inputs.map(\.scalars)
        var output: [Float] = []
        for n in 0..<count {
            for (input, x) in zip(inputs, values) {
                let size = input.shape[1] * height * width
                output += x[n * size..<(n + 1) * size]
            }
        }
        return Tensor([count, inputs.reduce(0) { $0 + $1.shape[1] }, height, width], scalars: output)
    }
}

/// Computes ``Concat``: copies each input's channels to their position in every pixel.
///
/// Shape: inputs `[N, H, W, Cᵢ]`, output `[N, H, W, C₁ + C₂ + …]`.
///
/// The convolutions could write to the concatenation directly, if they knew its stride. That is not worth it: the
/// copies take about 1/100 of the time of GoogLeNet's convolutions.
struct ConcatOperation: Operation {
    let name = "copies"
    /// The channels of each input.
    let channels: [Int]
    /// The number of pixels, H·W.
    let pixelCount: Int

    func run(_ run: OperationRun) {
        switch run.inputFormat() {
        case .float32: copy(run, to: run.output) { run.input($0) }
        case .bytes: copy(run, to: run.outputBytes) { run.inputBytes($0) }
        }
    }

    private func copy<Element>(
        _ run: OperationRun, to output: UnsafeMutablePointer<Element>,
        from input: @escaping @Sendable (_ index: Int) -> UnsafePointer<Element>
    ) {
        nonisolated(unsafe) let output = output
        let width = channels.reduce(0, +)
        run.parallelForRanges(run.batchSize * pixelCount, minCount: 128) { pixels, _ in
            var firstChannel = 0
            for (index, count) in channels.enumerated() {
                var source = input(index) + pixels.lowerBound * count
                var target = output + pixels.lowerBound * width + firstChannel
                for _ in pixels {
                    target.update(from: source, count: count)
                    source += count
                    target += width
                }
                firstChannel += count
            }
        }
    }
}

/// Adds its inputs element by element, as at the end of a residual block, where the shortcut joins.
///
/// Shape: two or more inputs of one shape; the output's is theirs.
/// - Source: He et al. 2015, arXiv:1512.03385, §3.1.
public struct Add: Layer {
    /// The layer, which has no parameters.
    public init() {}

    public var fusesActivation: Bool { true }

    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count > 1, inputs.allSatisfy({ $0 == inputs[0] }) else {
            throw ShapeError(layer: "Add", found: inputs, expected: "two or more inputs of one shape")
        }
        return inputs[0]
    }

    public func algorithms(for inputs: [Shape], activation: Activation?) -> [Algorithm] {
        [
            Algorithm(
                AddOperation(inputCount: inputs.count, elementCount: inputs[0].elementCount, activation: activation))
        ]
    }

    public func callAsFunction(_ inputs: [Tensor]) -> Tensor {
        var sums = inputs[0].scalars
        for input in inputs.dropFirst() {
            for (index, value) in input.scalars.enumerated() { sums[index] += value }
        }
        return Tensor(inputs[0].shape, scalars: sums)
    }
}

/// Computes ``Add``, two inputs at a time. A fused ReLU is applied in the last pass.
struct AddOperation: Operation {
    let name = "elementwise"
    let inputCount: Int
    let elementCount: Int
    let activation: Activation?

    func run(_ run: OperationRun) {
        run.parallelForRanges(run.batchSize * elementCount, minCount: 16 << 10) { range, _ in
            let output = run.output + range.lowerBound
            for index in 1..<inputCount {
                kernel_add_pairs(
                    index == 1 ? run.input() + range.lowerBound : UnsafePointer(output),
                    run.input(index) + range.lowerBound, output, range.count,
                    activation == .relu && index == inputCount - 1)
            }
        }
    }
}

/// Flattens an image's channels, rows and columns into one axis.
///
/// Shape: input `[N, C, H, W]`, output `[N, C·H·W]`.
/// - Source: PyTorch, `torch.flatten(x, 1)`.
public struct Flatten: UnaryLayer {
    /// The layer, which has no parameters.
    public init() {}

    public var passesBytes: Bool { true }

    /// With one channel or one pixel, `[H, W, C]` and `[C, H, W]` have the same order in memory.
    public func isView(of inputs: [Shape]) -> Bool {
        inputs[0].rank == 1 || inputs[0][0] == 1 || inputs[0].elementCount == inputs[0][0]
    }

    public func outputShape(for input: Shape) throws(ShapeError) -> Shape { [input.elementCount] }

    public func algorithms(for input: Shape, output: Shape, activation: Activation?) -> [Algorithm] {
        [Algorithm(FlattenOperation(input: input))]
    }

    public func callAsFunction(_ input: Tensor) -> Tensor {
        input.reshaped(to: [input.shape[0], input.shape.elementCount / max(input.shape[0], 1)])
    }
}

/// Computes ``Flatten``: transposes each image to `[C, H, W]`, the order of a linear layer's weights.
///
/// Shape: input `[N, H, W, C]`, output `[N, C, H, W]`.
struct FlattenOperation: Operation {
    let name = "transpose"
    /// The shape of one image, `[C, H, W]`.
    let input: Shape

    func run(_ run: OperationRun) {
        for image in 0..<run.batchSize {
            switch run.inputFormat() {
            case .float32:
                kernel_transpose(
                    run.input() + image * input.elementCount, input[1] * input[2], input[0],
                    run.output + image * input.elementCount)
            case .bytes:
                kernel_transpose_bytes(
                    run.inputBytes() + image * input.elementCount, input[1] * input[2], input[0],
                    run.outputBytes + image * input.elementCount)
            }
        }
    }
}
