import CKernels

/// Computes ``Linear`` in bytes: the input is quantized, and integer sums of its products with the weights are rescaled to
/// float32.
///
/// The result is the same to the bit on every instruction set, for every batch size and number of threads.
///
/// Shape: input `[N, I]`, output `[N, O]`.
struct QuantizedLinear: Operation {
    let name = "int8"
    let productType = ProductType.int8
    private let weight: ByteMatrix
    private let activation: Activation?

    /// The panels of one task: enough to make up for its start, few enough to share a layer among threads.
    private static let taskPanelCount = 8

    init(weight: ByteMatrix, activation: Activation?) {
        self.weight = weight
        self.activation = activation
    }

    var multiplyAddCount: Int { weight.outputs * weight.depth }
    var readWeightByteCount: Int { weight.byteCount }

    /// The quantized batch, which all threads share.
    func scratchByteCount(batchSize: Int) -> Int { batchSize * weight.rowByteCount + OperationRun.byteSlack }

    func run(_ run: OperationRun) {
        nonisolated(unsafe) let bytes = quantizedBatch(run)
        let taskCount = (weight.panelCount + Self.taskPanelCount - 1) / Self.taskPanelCount
        run.parallelFor(taskCount) { task, _ in
            let first = task * Self.taskPanelCount
            weight.multiply(
                panels: first..<min(first + Self.taskPanelCount, weight.panelCount), bytes,
                rowStride: weight.rowByteCount, rowCount: run.batchSize, into: run.outputMemory,
                outputStride: weight.outputs, activation: activation)
        }
    }

    /// The batch in bytes, its rows padded to whole groups. Unless that is what the step is given, it is made in the first
    /// thread's scratch memory.
    private func quantizedBatch(_ run: OperationRun) -> UnsafePointer<UInt8> {
        let scratch = UnsafeMutableRawPointer(run.scratch(slot: 0))
        nonisolated(unsafe) let bytes = scratch.assumingMemoryBound(to: UInt8.self)
        if case .bytes = run.inputFormat() {
            guard weight.rowByteCount != weight.depth else { return run.inputBytes() }
            for image in 0..<run.batchSize {
                let row = bytes + image * weight.rowByteCount
                row.update(from: run.inputBytes() + image * weight.depth, count: weight.depth)
                (row + weight.depth).update(repeating: 0, count: weight.rowByteCount - weight.depth)
            }
            return UnsafePointer(bytes)
        }
        run.parallelForRanges(run.batchSize, minCount: max(1, (16 << 10) / weight.depth)) { images, _ in
            kernel_quantize_byte_rows(
                run.input() + images.lowerBound * weight.depth, images.count, weight.depth, weight.input.inverseScale,
                weight.input.zeroPoint, bytes + images.lowerBound * weight.rowByteCount, weight.rowByteCount)
        }
        return UnsafePointer(bytes)
    }
}
