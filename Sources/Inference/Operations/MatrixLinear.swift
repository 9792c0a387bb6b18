import CKernels

/// A linear layer whose weights are read as they lie in the checkpoint, each once a batch.
///
/// Every thread takes rows of the weights. Up to eight images are multiplied as they lie, each row being one dot product an
/// image; more are laid out in panels of sixteen first, one image a lane.
struct MatrixLinear: Operation {
    let name = "rows"
    private let weight: Tensor
    private let bias: Tensor
    private let activation: Activation?

    /// Enough rows of weights to be worth a task and a long stretch of memory, few enough to balance.
    private static let fewImagesBlock = 32
    /// The same, and a multiple of the rows that are multiplied at once.
    private static let manyImagesBlock = 96
    private static let fewImages = Int(KERNEL_LINEAR_FEW_IMAGES)
    private static let lanes = Int(KERNEL_LINEAR_PANEL_IMAGES)

    /// - Parameters:
    ///   - weight: one row an output, `[O, I]`.
    ///   - bias: one value an output, `[O]`.
    init(weight: Tensor, bias: Tensor, activation: Activation?) {
        self.weight = weight
        self.bias = bias
        self.activation = activation
    }

    private var depth: Int { weight.shape[1] }
    private var outputs: Int { weight.shape[0] }

    var multiplyAddCount: Int { weight.shape.elementCount }

    func scratchByteCount(batchSize: Int) -> Int {
        let count =
            batchSize <= Self.fewImages
            ? Self.fewImages * Self.lanes * Self.fewImagesBlock
            : Self.panelCount(batchSize) * Self.lanes * Self.manyImagesBlock
        return count * MemoryLayout<Float>.stride
    }

    func sharedByteCount(batchSize: Int) -> Int {
        batchSize <= Self.fewImages
            ? 0 : depth * Self.panelCount(batchSize) * Self.lanes * MemoryLayout<Float>.stride
    }

    private static func panelCount(_ batchSize: Int) -> Int { (batchSize + lanes - 1) / lanes }

    func run(_ run: OperationRun) {
        let areFew = run.batchSize <= Self.fewImages
        if !areFew { kernel_pack_panels(run.input(), run.batchSize, depth, run.shared) }
        let blockSize = areFew ? Self.fewImagesBlock : Self.manyImagesBlock
        run.parallelFor((outputs + blockSize - 1) / blockSize) { index, slot in
            let first = index * blockSize
            weight.withUnsafeScalars { weight in
                bias.withUnsafeScalars { bias in
                    guard let weight = weight.baseAddress, let bias = bias.baseAddress else { return }
                    var layer = kernel_linear(
                        depth: depth, input: run.input(), input_stride: depth, image_count: run.batchSize,
                        output_count: min(blockSize, outputs - first), bias: bias + first, relu: activation == .relu,
                        output: run.output + first, output_stride: outputs)
                    let rows = weight + first * depth
                    if areFew {
                        kernel_linear_few_images(rows, &layer, run.scratch(slot: slot))
                    } else {
                        kernel_linear_many_images(rows, run.shared, &layer, run.scratch(slot: slot))
                    }
                }
            }
        }
    }
}
