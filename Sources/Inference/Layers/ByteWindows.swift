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

    /// Computes some of a group's outputs at some positions, counted through all images.
    ///
    /// - Parameters:
    ///   - panels: the panels of the kernels whose outputs are computed.
    ///   - bytes: the quantized batch.
    ///   - rows: scratch memory of ``rowsByteCount(windowCount:)``.
    func compute(
        _ run: OperationRun, group: Int, panels: Range<Int>, positions: Range<Int>, _ bytes: UnsafePointer<UInt8>,
        rows: UnsafeMutablePointer<UInt8>
    ) {
        let place = positions.lowerBound * geometry.outputChannels + group * geometry.outputsPerGroup
        if isUnfolded {
            let first = bytes + positions.lowerBound * geometry.inputChannels + group * geometry.inputsPerGroup
            return multiply(
                run, group: group, panels: panels, first, rowStride: geometry.inputChannels,
                rowCount: positions.count, place: place, outputStride: geometry.outputChannels)
        }
        var next = positions.lowerBound
        while next < positions.upperBound {
            let image = next / geometry.positions
            let end = min(positions.upperBound, (image + 1) * geometry.positions)
            unfold(
                bytes, image: image, group: group, geometry.kernelWindow,
                next - image * geometry.positions..<end - image * geometry.positions,
                into: rows + (next - positions.lowerBound) * rowByteCount)
            next = end
        }
        multiply(
            run, group: group, panels: panels, rows, rowStride: rowByteCount, rowCount: positions.count, place: place,
            outputStride: geometry.outputChannels)
    }

    /// Computes one group's outputs of one image in a rectangle, which is one row, one column or as wide as the output.
    ///
    /// - Parameters:
    ///   - bytes: the quantized batch.
    ///   - rows: scratch memory of ``rowsByteCount(windowCount:)``.
    func compute(
        _ run: OperationRun, image: Int, group: Int, rectangle: Rectangle, _ bytes: UnsafePointer<UInt8>,
        rows: UnsafeMutablePointer<UInt8>
    ) {
        let width = rectangle.columns.count
        var window = geometry.kernelWindow
        // The rectangle is the whole output of the same convolution with less padding.
        window.output_width = width
        window.padding_height -= rectangle.rows.lowerBound * window.stride_height
        window.padding_width -= rectangle.columns.lowerBound * window.stride_width
        unfold(bytes, image: image, group: group, window, 0..<rectangle.count, into: rows)
        let first = rectangle.rows.lowerBound * geometry.outputWidth + rectangle.columns.lowerBound
        multiply(
            run, group: group, panels: 0..<kernels[group].panelCount, rows, rowStride: rowByteCount,
            rowCount: rectangle.count,
            place: (image * geometry.positions + first) * geometry.outputChannels + group * geometry.outputsPerGroup,
            outputStride: (width == 1 ? geometry.outputWidth : 1) * geometry.outputChannels)
    }

    private func unfold(
        _ bytes: UnsafePointer<UInt8>, image: Int, group: Int, _ window: kernel_window, _ positions: Range<Int>,
        into rows: UnsafeMutablePointer<UInt8>
    ) {
        var window = window
        kernel_im2row_bytes(
            bytes + image * imageByteCount + group * geometry.inputsPerGroup, geometry.inputsPerGroup, &window,
            positions.lowerBound, positions.count, input.zeroPoint, rows, rowByteCount)
    }

    /// - Parameter place: where the output of the first row starts. Units: values.
    private func multiply(
        _ run: OperationRun, group: Int, panels: Range<Int>, _ rows: UnsafePointer<UInt8>, rowStride: Int,
        rowCount: Int, place: Int, outputStride: Int
    ) {
        kernels[group].multiply(
            panels: panels, rows, rowStride: rowStride, rowCount: rowCount,
            into: run.outputMemory.advanced(by: place), outputStride: outputStride, adding: addends(run, at: place),
            activation: activation)
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
