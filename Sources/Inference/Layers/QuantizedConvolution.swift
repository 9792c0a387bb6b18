import CKernels

/// Computes ``Conv2d`` in bytes: the input is quantized, its windows are unfolded into rows of bytes (im2row), and integer
/// sums of their products with the kernels are rescaled to float32.
///
/// The result is the same to the bit on every instruction set, for every block size and number of threads.
struct QuantizedConvolution: Operation {
    let name = "int8"
    let multipliesBytes = true
    private let geometry: ConvolutionGeometry
    private let activation: Activation?
    private let addsSecondInput: Bool
    /// The kernels with channels innermost: one matrix for each group.
    private let kernels: [ByteMatrix]
    private let input: InputQuantization

    /// The largest unfolded matrix. It should stay in a core's L2 cache beside the kernels. Units: bytes.
    private(set) var setting = Self.rowLimits[0]

    /// The sizes of the unfolded matrix that are measured, the default first. Units: bytes.
    private static let rowLimits = [256 << 10, 64 << 10]

    /// - Parameter addsSecondInput: whether a second input of the output's shape is added before the activation.
    init(
        layer: Conv2d, input: InputQuantization, geometry: ConvolutionGeometry, activation: Activation?,
        addsSecondInput: Bool = false
    ) {
        self.geometry = geometry
        self.activation = activation
        self.addsSecondInput = addsSecondInput
        self.input = input
        kernels = layer.byteKernels(input: input)
    }

    var multiplyAddCount: Int { geometry.multiplyAddCount }
    var weightByteCount: Int { kernels.reduce(0) { $0 + $1.byteCount } }

    func variants(batchSize: Int) -> [any Operation] {
        Self.rowLimits.dropFirst().compactMap {
            var variant = self
            variant.setting = $0
            return variant.largestBlock == largestBlock ? nil : variant
        }
    }

    /// The length of an unfolded row. Units: bytes.
    private var rowByteCount: Int { ByteMatrix.paddedDepth(geometry.depth) }
    /// The size of one image. Units: bytes.
    private var imageByteCount: Int { geometry.height * geometry.width * geometry.inputChannels }
    /// The most output positions in a block.
    private var largestBlock: Int { min(geometry.positions, max(24, setting / rowByteCount)) }
    /// Whether the quantized image is the unfolded matrix already.
    private var isUnfolded: Bool { geometry.isPointwise && rowByteCount == geometry.depth }

    /// What the kernel may read after the batch, and write after the unfolded rows. Units: bytes.
    private static let slack = Int(KERNEL_BYTE_SLACK)

    /// The quantized batch, which all threads share, followed by one thread's unfolded rows.
    func scratchByteCount(batchSize: Int) -> Int {
        batchSize * imageByteCount + (isUnfolded ? 0 : largestBlock * rowByteCount + 2 * Self.slack)
    }

    func run(_ run: OperationRun) {
        // The first thread's scratch memory holds the quantized batch; nothing else is there until the step ends.
        nonisolated(unsafe) let bytes = Self.bytes(run.scratch(slot: 0))
        run.parallelForRanges(run.batchSize * imageByteCount, minCount: 16 << 10) { range, _ in
            kernel_quantize_bytes(
                run.input() + range.lowerBound, range.count, input.inverseScale, input.zeroPoint,
                bytes + range.lowerBound)
        }
        let blockSize = blockSize(imageCount: run.batchSize * geometry.groups, threadCount: run.threadCount)
        let blocksPerImage = (geometry.positions + blockSize - 1) / blockSize
        run.parallelFor(run.batchSize * geometry.groups * blocksPerImage) { index, slot in
            let first = index % blocksPerImage * blockSize
            multiply(
                run, image: index / blocksPerImage / geometry.groups, group: index / blocksPerImage % geometry.groups,
                positions: first..<min(first + blockSize, geometry.positions), bytes,
                rows: Self.bytes(run.scratch(slot: slot)) + run.batchSize * imageByteCount + Self.slack)
        }
    }

    /// The size of a block that leaves work for every thread. Units: output positions.
    private func blockSize(imageCount: Int, threadCount: Int) -> Int {
        guard imageCount < threadCount else { return largestBlock }
        let share = (geometry.positions * imageCount + threadCount - 1) / threadCount
        return min(largestBlock, max(share, 12))
    }

    private static func bytes(_ scratch: UnsafeMutablePointer<Float>) -> UnsafeMutablePointer<UInt8> {
        UnsafeMutableRawPointer(scratch).assumingMemoryBound(to: UInt8.self)
    }

    private func multiply(
        _ run: OperationRun, image: Int, group: Int, positions: Range<Int>, _ bytes: UnsafePointer<UInt8>,
        rows: UnsafeMutablePointer<UInt8>
    ) {
        let pixels = bytes + image * imageByteCount + group * geometry.inputsPerGroup
        let place =
            (image * geometry.positions + positions.lowerBound) * geometry.outputChannels
            + group * geometry.outputsPerGroup
        if !isUnfolded {
            var window = geometry.kernelWindow
            kernel_im2row_bytes(
                pixels, geometry.inputsPerGroup, &window, positions.lowerBound, positions.count, input.zeroPoint, rows,
                rowByteCount)
        }
        kernels[group].multiply(
            panels: 0..<kernels[group].panelCount,
            isUnfolded ? pixels + positions.lowerBound * geometry.inputChannels : UnsafePointer(rows),
            rowStride: isUnfolded ? geometry.inputChannels : rowByteCount, rowCount: positions.count,
            into: run.output + place, outputStride: geometry.outputChannels,
            adding: addsSecondInput ? run.input(1) + place : nil, activation: activation)
    }
}
