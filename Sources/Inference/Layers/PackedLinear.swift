import CKernels

/// A linear layer whose weights lie in panels: each is read once a batch, expanded in a register and used for a dozen images.
struct PackedLinear: Operation {
    var name: String { weight.element.rawValue }
    private let weight: PackedWeights
    private let bias: Tensor
    private let activation: Activation?

    /// - Parameter bias: one value an output.
    init(weight: PackedWeights, bias: Tensor, activation: Activation?) {
        self.weight = weight
        self.bias = bias
        self.activation = activation
    }

    private var outputs: Int { weight.shape[0] }
    private var depth: Int { weight.shape[1] }

    var multiplyAddCount: Int { weight.shape.elementCount }

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
                    output: run.output + first, output_stride: outputs)
                weight.multiply(panel: panel, layer, sums: run.scratch(slot: slot))
            }
        }
    }
}
