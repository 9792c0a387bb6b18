import CKernels

/// A linear layer whose weights are read as they lie in the checkpoint, each once a batch.
///
/// The batch is laid out in panels of sixteen images, and every thread multiplies its own rows of the weights with them: a
/// stretch of the depth at a time, so that the panels stay in the second-level cache while the weights stream by from
/// memory. A few images alone are not worth a panel; then each row is one dot product an image.
struct MatrixLinear: Operation {
    let name = "rows"
    private let layer: Linear
    private let activation: Activation?

    /// Enough rows of weights to be worth a task, few enough to balance; a multiple of those that are multiplied at once.
    private static let blockSize = 96
    /// From so many images on panels are faster than dot products.
    private static let minPanelImages = 4
    private static let lanes = Int(KERNEL_PANEL_COLUMNS)
    /// How much of the depth is worked on at once: sixteen images' share of it is 64 KiB.
    private static let depthBlock = 1024

    init(layer: Linear, activation: Activation?) {
        self.layer = layer
        self.activation = activation
    }

    var multiplyAddCount: Int { layer.inputFeatures * layer.outputFeatures }

    func scratchByteCount(batchSize: Int) -> Int {
        batchSize < Self.minPanelImages
            ? 0 : Self.blockSize * Self.panelCount(batchSize) * Self.lanes * MemoryLayout<Float>.stride
    }

    func sharedByteCount(batchSize: Int) -> Int {
        batchSize < Self.minPanelImages
            ? 0 : layer.inputFeatures * Self.panelCount(batchSize) * Self.lanes * MemoryLayout<Float>.stride
    }

    private static func panelCount(_ batchSize: Int) -> Int { (batchSize + lanes - 1) / lanes }

    func run(_ run: OperationRun) {
        if run.batchSize >= Self.minPanelImages {
            kernel_pack_panels(run.input(), run.batchSize, layer.inputFeatures, run.shared)
        }
        run.parallelFor((layer.outputFeatures + Self.blockSize - 1) / Self.blockSize) { index, slot in
            let rows = index * Self.blockSize..<min((index + 1) * Self.blockSize, layer.outputFeatures)
            layer.weight.withUnsafeScalars { weight in
                guard let weight = weight.baseAddress.map({ $0 + rows.lowerBound * layer.inputFeatures }) else {
                    return
                }
                if run.batchSize >= Self.minPanelImages {
                    multiplyPanels(run, weight, rows, products: run.scratch(slot: slot))
                } else {
                    multiplyImages(run, weight, rows)
                }
            }
            layer.bias.withUnsafeScalars { bias in
                kernel_bias_columns(
                    run.output + rows.lowerBound, run.batchSize, rows.count, layer.outputFeatures,
                    bias.baseAddress.map { $0 + rows.lowerBound }, activation == .relu)
            }
        }
    }

    private func multiplyImages(_ run: OperationRun, _ weight: UnsafePointer<Float>, _ rows: Range<Int>) {
        for image in 0..<run.batchSize {
            BLAS.multiply(
                rows: rows.count, columns: layer.inputFeatures, matrix: weight,
                vector: run.input() + image * layer.inputFeatures,
                into: run.output + image * layer.outputFeatures + rows.lowerBound)
        }
    }

    private func multiplyPanels(
        _ run: OperationRun, _ weight: UnsafePointer<Float>, _ rows: Range<Int>, products: UnsafeMutablePointer<Float>
    ) {
        let depth = layer.inputFeatures
        let panelCount = Self.panelCount(run.batchSize)
        for first in stride(from: 0, to: depth, by: Self.depthBlock) {
            kernel_multiply_rows(
                weight + first, depth, rows.count, run.shared + first * Self.lanes, panelCount, depth,
                min(Self.depthBlock, depth - first), first > 0, products, panelCount * Self.lanes)
        }
        for image in 0..<run.batchSize {
            let output = run.output + image * layer.outputFeatures + rows.lowerBound
            for row in 0..<rows.count { output[row] = products[row * panelCount * Self.lanes + image] }
        }
    }
}
