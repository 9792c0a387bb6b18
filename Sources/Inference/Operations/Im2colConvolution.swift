import CKernels
import COpenBLAS

/// A convolution as a matrix product: windows are unfolded into columns, a block at a time, and multiplied with the
/// kernels as they lie in the checkpoint.
///
/// The work is cut into blocks of output positions, so that a block's columns stay in the second-level cache and a lone
/// image still occupies every thread. BLAS runs one thread a block.
/// - Source: Chellapilla, Puri and Simard 2006, "High performance convolutional neural networks for document processing".
struct Im2colConvolution: Operation {
    let name = "im2col"
    private let layer: Conv2d
    private let geometry: ConvolutionGeometry
    private let activation: Activation?

    /// What a block's columns may take: about the second-level cache of a core. Units: floats.
    private static let columnLimit = 256 << 10

    init(layer: Conv2d, geometry: ConvolutionGeometry, activation: Activation?) {
        self.layer = layer
        self.geometry = geometry
        self.activation = activation
    }

    var multiplyAddCount: Int { geometry.multiplyAddCount }

    func scratchByteCount(batchSize: Int) -> Int {
        geometry.isPointwise ? 0 : geometry.depth * largestBlock * MemoryLayout<Float>.stride
    }

    /// Units: output positions.
    private var largestBlock: Int { min(geometry.positions, max(64, Self.columnLimit / geometry.depth)) }

    func run(_ run: OperationRun) {
        let blockSize = blockSize(imageCount: run.batchSize * geometry.groups, threadCount: run.workers.threadCount)
        let blocksPerImage = (geometry.positions + blockSize - 1) / blockSize
        run.workers.parallelFor(run.batchSize * geometry.groups * blocksPerImage) { index, slot in
            let first = index % blocksPerImage * blockSize
            multiply(
                run, image: index / blocksPerImage / geometry.groups, group: index / blocksPerImage % geometry.groups,
                positions: first..<min(first + blockSize, geometry.positions), columns: run.scratch(slot: slot))
        }
    }

    /// The largest block that leaves work for every thread.
    private func blockSize(imageCount: Int, threadCount: Int) -> Int {
        guard imageCount < threadCount else { return largestBlock }
        let share = (geometry.positions * imageCount + threadCount - 1) / threadCount
        return min(largestBlock, max(share, 16))
    }

    private func multiply(
        _ run: OperationRun, image: Int, group: Int, positions: Range<Int>, columns: UnsafeMutablePointer<Float>
    ) {
        let plane = geometry.height * geometry.width
        let input = run.input() + (image * geometry.inputChannels + group * geometry.inputsPerGroup) * plane
        let firstOutput = group * geometry.outputsPerGroup
        let output =
            run.output + (image * geometry.outputChannels + firstOutput) * geometry.positions + positions.lowerBound
        var matrix = UnsafePointer(columns)
        var matrixStride = positions.count
        if geometry.isPointwise {
            matrix = input + positions.lowerBound
            matrixStride = plane
        } else {
            var window = geometry.kernelWindow
            kernel_im2col(input, geometry.inputsPerGroup, &window, positions.lowerBound, positions.count, columns)
        }
        layer.weight.withUnsafeScalars { weight in
            guard let kernels = weight.baseAddress else { return }
            BLAS.multiply(
                rows: geometry.outputsPerGroup, columns: positions.count, depth: geometry.depth,
                left: kernels + firstOutput * geometry.depth, leftStride: geometry.depth,
                right: matrix, rightStride: matrixStride,
                into: output, stride: geometry.positions)
        }
        layer.bias.withUnsafeScalars { bias in
            kernel_bias_rows(
                output, geometry.outputsPerGroup, positions.count, geometry.positions,
                bias.baseAddress.map { $0 + firstOutput }, activation == .relu)
        }
    }
}
