import CKernels

/// The windows of a convolution that is computed in bytes: parts of its output are computed by the definition.
///
/// Windows of the quantized input are unfolded into rows of bytes (im2row), and integer sums of their products with the
/// kernels are rescaled to float32.
struct ByteWindows: Sendable {
    let geometry: ConvolutionGeometry
    let activation: Activation?
    /// Whether a second input of the output's shape is added before the activation.
    let addsSecondInput: Bool
    /// The kernels with channels innermost: one matrix for each group.
    let kernels: [ByteMatrix]
    let input: InputQuantization
    /// How the second input is quantized; nil for float32.
    private let addend: InputQuantization?

    init(
        layer: Conv2d, input: InputQuantization, geometry: ConvolutionGeometry, activation: Activation?,
        addsSecondInput: Bool = false
    ) {
        self.geometry = geometry
        self.activation = activation
        self.addsSecondInput = addsSecondInput
        self.input = input
        addend = layer.addendQuantization
        kernels = layer.byteKernels(input: input)
    }

    /// The memory of the kernels. Units: bytes.
    var kernelByteCount: Int { kernels.reduce(0) { $0 + $1.byteCount } }
    /// The length of an unfolded row. Units: bytes.
    var rowByteCount: Int { ByteMatrix.paddedDepth(geometry.depth) }
    /// The size of one image. Units: bytes.
    var imageByteCount: Int { geometry.height * geometry.width * geometry.inputChannels }
    /// Whether the quantized image is the unfolded matrix already.
    private var isUnfolded: Bool { geometry.isPointwise && rowByteCount == geometry.depth }

    /// What the kernels may read after the batch, and write after the unfolded rows. Units: bytes.
    static let slack = OperationRun.byteSlack

    /// The scratch memory for the rows of some windows. Units: bytes.
    func rowsByteCount(windowCount: Int) -> Int { isUnfolded ? 0 : windowCount * rowByteCount + 2 * Self.slack }

    /// The batch in bytes. Unless its input is in bytes, it is quantized into the first thread's scratch memory; nothing else
    /// is there until the step ends.
    ///
    /// - Returns: `[N, H, W, C]`, followed by ``slack``.
    func quantizedBatch(_ run: OperationRun) -> UnsafePointer<UInt8> {
        if case .bytes = run.inputFormat() { return run.inputBytes() }
        nonisolated(unsafe) let bytes = Self.bytes(run.scratch(slot: 0))
        run.parallelForRanges(run.batchSize * imageByteCount, minCount: 16 << 10) { range, _ in
            kernel_quantize_bytes(
                run.input() + range.lowerBound, range.count, input.inverseScale, input.zeroPoint,
                bytes + range.lowerBound)
        }
        return UnsafePointer(bytes)
    }

    /// A thread's scratch memory after what ``quantizedBatch(_:)`` takes of the first thread's.
    func scratch(_ run: OperationRun, slot: Int) -> UnsafeMutablePointer<UInt8> {
        Self.bytes(run.scratch(slot: slot)) + run.batchSize * imageByteCount + Self.slack
    }

    private static func bytes(_ scratch: UnsafeMutablePointer<Float>) -> UnsafeMutablePointer<UInt8> {
        UnsafeMutableRawPointer(scratch).assumingMemoryBound(to: UInt8.self)
    }

    /// A rectangle of output positions.
    struct Rectangle {
        let rows: Range<Int>
        let columns: Range<Int>

        var count: Int { rows.count * columns.count }
    }

    /// All output positions.
    var wholeOutput: Rectangle {
        Rectangle(rows: 0..<geometry.outputHeight, columns: 0..<geometry.outputWidth)
    }

    /// Computes one group's outputs at some positions of a rectangle.
    ///
    /// - Parameters:
    ///   - positions: indices into the rectangle, row by row. They are in one row, unless the rectangle is one column or
    ///     as wide as the output.
    ///   - bytes: the quantized batch.
    ///   - rows: scratch memory of ``rowsByteCount(windowCount:)``.
    func compute(
        _ run: OperationRun, image: Int, group: Int, positions: Range<Int>, of rectangle: Rectangle,
        _ bytes: UnsafePointer<UInt8>, rows: UnsafeMutablePointer<UInt8>
    ) {
        let width = rectangle.columns.count
        let pixels = bytes + image * imageByteCount + group * geometry.inputsPerGroup
        if !isUnfolded {
            var window = geometry.kernelWindow
            // The rectangle is the whole output of the same convolution with less padding.
            window.output_width = width
            window.padding_height -= rectangle.rows.lowerBound * window.stride_height
            window.padding_width -= rectangle.columns.lowerBound * window.stride_width
            kernel_im2row_bytes(
                pixels, geometry.inputsPerGroup, &window, positions.lowerBound, positions.count, input.zeroPoint, rows,
                rowByteCount)
        }
        let row = rectangle.rows.lowerBound + positions.lowerBound / width
        let first = row * geometry.outputWidth + rectangle.columns.lowerBound + positions.lowerBound % width
        let place =
            (image * geometry.positions + first) * geometry.outputChannels + group * geometry.outputsPerGroup
        kernels[group].multiply(
            panels: 0..<kernels[group].panelCount,
            isUnfolded ? pixels + first * geometry.inputChannels : UnsafePointer(rows),
            rowStride: isUnfolded ? geometry.inputChannels : rowByteCount, rowCount: positions.count,
            into: run.outputMemory.advanced(by: place),
            outputStride: (width == 1 ? geometry.outputWidth : 1) * geometry.outputChannels,
            adding: addends(run, at: place), activation: activation)
    }

    /// The second input from one place of the output on; nil if nothing is added.
    func addends(_ run: OperationRun, at place: Int) -> ByteAddends? {
        guard addsSecondInput else { return nil }
        switch run.inputFormat(1) {
        case .float32: return .float32(run.input(1) + place, addend)
        case .bytes(let quantization): return .bytes(run.inputBytes(1) + place, quantization)
        }
    }
}
