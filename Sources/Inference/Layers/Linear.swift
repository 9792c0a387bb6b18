import CKernels

/// A fully connected layer, y = x·Wᵀ + b.
///
/// Shape: input `[N, I]`, weight `[O, I]`, bias `[O]`, output `[N, O]`.
/// - Source: PyTorch, `torch.nn.Linear`.
public struct Linear: UnaryLayer {
    /// The weights, shape `[O, I]`: one row for each output.
    public let weight: Weight
    /// One value for each output, shape `[O]`.
    public let bias: Tensor

    /// A layer with float32 weights.
    public init(weight: Tensor, bias: Tensor) { self.init(weight: .float32(weight), bias: bias) }

    /// A layer with weights in any form.
    public init(weight: Weight, bias: Tensor) {
        precondition(weight.shape.rank == 2, "a linear layer's weight is [O, I], not \(weight.shape)")
        precondition(
            bias.shape == [weight.shape[0]], "a bias of \(bias.shape) does not fit weights of \(weight.shape)")
        self.weight = weight
        self.bias = bias
    }

    /// The forms in which weights are stored in memory.
    public enum Weight: Sendable {
        /// Row-major float32, as in the checkpoint.
        case float32(Tensor)
        /// In panels, the order in which the kernel reads them, in as few bytes as the precision allows.
        case packed(PackedWeights)
        /// 8-bit integers, for a layer that is computed in them.
        case bytes(ByteMatrix)

        fileprivate var shape: Shape {
            switch self {
            case .float32(let weight): weight.shape
            case .packed(let weight): weight.shape
            case .bytes(let weight): [weight.outputs, weight.depth]
            }
        }

        /// The name of the form in ``Linear/workload(for:)``.
        fileprivate var name: String {
            switch self {
            case .float32: PackedWeights.Element.float32.rawValue
            case .packed(let weight): weight.element.rawValue
            case .bytes: "int8 by int8"
            }
        }

        /// The memory that the weights take. Units: bytes.
        fileprivate var byteCount: Int {
            switch self {
            case .float32(let weight): weight.shape.elementCount * MemoryLayout<Float>.stride
            case .packed(let weight): weight.byteCount
            case .bytes(let weight): weight.byteCount
            }
        }

        /// Adds the weights of one output, multiplied by a factor, to sums, one for each input.
        func add(row output: Int, times factor: Float, to sums: UnsafeMutableBufferPointer<Float>) {
            switch self {
            case .float32(let weight):
                weight.withUnsafeScalars { values in
                    for k in sums.indices { sums[k] += factor * values[output * sums.count + k] }
                }
            case .packed(let weight): weight.forEachWeight(of: output) { sums[$0] += factor * $1 }
            case .bytes(let weight): weight.forEachWeight(of: output) { sums[$0] += factor * $1 }
            }
        }

        /// The weights in row-major float32, `[O, I]`; a copy if they are stored in another form.
        fileprivate var tensor: Tensor {
            switch self {
            case .float32(let weight): weight
            case .packed(let weight): weight.unpacked()
            case .bytes(let weight): weight.unpacked()
            }
        }
    }

    /// The number of input features of one image.
    public var inputFeatures: Int { weight.shape[1] }
    /// The number of output features of one image.
    public var outputFeatures: Int { weight.shape[0] }
    public var parameters: [Tensor] { [weight.tensor, bias] }
    public var parameterCount: Int { weight.shape.elementCount + bias.shape.elementCount }
    public var parameterByteCount: Int { weight.byteCount + bias.shape.elementCount * MemoryLayout<Float>.stride }
    public var fusesActivation: Bool { true }
    public var inputQuantization: InputQuantization? {
        if case .bytes(let matrix) = weight { matrix.input } else { nil }
    }
    public func multiplyAddCount(for inputs: [Shape]) -> Int { weight.shape.elementCount }
    public func workload(for inputs: [Shape]) -> String {
        "linear \(inputFeatures) to \(outputFeatures), \(weight.name)"
    }

    public func outputShape(for input: Shape) throws(ShapeError) -> Shape {
        guard input == [inputFeatures] else {
            throw ShapeError(
                layer: "Linear(\(inputFeatures), \(outputFeatures))", found: [input], expected: "[\(inputFeatures)]")
        }
        return [outputFeatures]
    }

    public func algorithms(for input: Shape, output: Shape, activation: Activation?) -> [Algorithm] {
        switch weight {
        case .float32(let weight):
            [
                Algorithm(name: PackedWeights.Element.float32.rawValue) { workers, _ in
                    LinearOperation(
                        weight: PackedWeights(weight, as: .float32, workers: workers), bias: bias,
                        activation: activation)
                }
            ]
        case .packed(let weight): [Algorithm(LinearOperation(weight: weight, bias: bias, activation: activation))]
        case .bytes(let weight): [Algorithm(QuantizedLinear(weight: weight, activation: activation))]
        }
    }

    /// This layer, computed in 8-bit integers.
    func quantizingInput(_ input: InputQuantization) -> Linear {
        let matrix = weight.tensor.withUnsafeScalars { values in
            bias.withUnsafeScalars { bias in
                values.baseAddress.map {
                    ByteMatrix($0, outputs: outputFeatures, depth: inputFeatures, bias: bias, input: input)
                }
            }
        }
        guard let matrix else { preconditionFailure("a linear layer has weights") }
        return Linear(weight: .bytes(matrix), bias: bias)
    }

    public func callAsFunction(_ input: Tensor) -> Tensor {
        if case .bytes(let matrix) = weight { return Self.multiply(input, by: matrix) }
        let (x, w, b) = (input.scalars, weight.tensor.scalars, bias.scalars)
        var output: [Float] = []
        for n in 0..<input.shape[0] {
            for o in 0..<outputFeatures {
                var sum = Double(b[o])
                for i in 0..<inputFeatures {
                    sum += Double(x[n * inputFeatures + i]) * Double(w[o * inputFeatures + i])
                }
                output.append(Float(sum))
            }
        }
        return Tensor([input.shape[0], outputFeatures], scalars: output)
    }

    private static func multiply(_ input: Tensor, by matrix: ByteMatrix) -> Tensor {
        let zero = Int(matrix.input.zeroPoint)
        let x = input.scalars.map { Int(matrix.input.byte(of: $0)) - zero }
        var output: [Float] = []
        for n in 0..<input.shape[0] {
            for o in 0..<matrix.outputs {
                let sum = (0..<matrix.depth).reduce(0) {
                    $0 + x[n * matrix.depth + $1] * matrix.number(output: o, input: $1)
                }
                output.append(matrix.rescaled(sum, output: o))
            }
        }
        return Tensor([input.shape[0], matrix.outputs], scalars: output)
    }
}

/// Computes ``Linear`` with packed weights. Each weight is read once per batch, expanded in a register, and used for up
/// to twelve images.
///
/// Shape: input `[N, I]`, output `[N, O]`.
struct LinearOperation: Operation {
    var name: String { weight.element.rawValue }
    /// The prefetch distance for weights; zero for no prefetch. It counts where all images are computed at once, and is
    /// not read in larger batches. On Zen 4 none is best for one image, where the hardware's own prefetching keeps up.
    /// Units: bytes.
    private(set) var setting = 8192
    private let weight: PackedWeights
    private let bias: Tensor
    private let activation: Activation?

    /// - Parameter bias: shape `[O]`.
    init(weight: PackedWeights, bias: Tensor, activation: Activation?) {
        self.weight = weight
        self.bias = bias
        self.activation = activation
    }

    private var outputs: Int { weight.shape[0] }
    private var depth: Int { weight.shape[1] }

    var multiplyAddCount: Int { weight.shape.elementCount }

    var readWeightByteCount: Int { weight.byteCount }

    func variants(batchSize: Int) -> [any Operation] {
        var variant = self
        variant.setting = 0
        return [variant]
    }

    func scratchByteCount(batchSize: Int) -> Int {
        PackedWeights.panelOutputs * batchSize * MemoryLayout<Float>.stride
    }

    func run(_ run: OperationRun) {
        run.parallelFor(weight.panelCount) { panel, slot in
            let first = panel * PackedWeights.panelOutputs
            bias.withUnsafeScalars { bias in
                let layer = kernel_linear(
                    depth: depth, input: run.input(), input_stride: depth, image_count: run.batchSize,
                    output_count: min(PackedWeights.panelOutputs, outputs - first),
                    bias: bias.baseAddress.map { $0 + first }, relu: activation == .relu,
                    prefetch_distance: setting, output: run.output + first, output_stride: outputs)
                weight.multiply(panel: panel, layer, sums: run.scratch(slot: slot))
            }
        }
    }
}
