import CKernels
import Files
import Threads

/// A layer's weights as signed bytes, packed for ``kernel_multiply_bytes``, with all that turns its integer sums into the
/// layer's output.
///
/// Weights are symmetric: each output has a scale, 1/127 of its largest weight, and no zero point.
public struct ByteMatrix: Sendable {
    /// The number of outputs.
    let outputs: Int
    /// The number of products in a sum.
    let depth: Int
    /// How the inputs become bytes.
    let input: InputQuantization
    /// The packed numbers. Shape: `[panel][panelDepth / 4][16][4]`, zeros after the last output and the last input.
    private let panels: AlignedBuffer
    /// The scale of each output's weights, `[outputs]`.
    private let weightScales: [Float]
    /// The three arrays of `kernel_byte_rescaling`, one element for each output of each panel.
    private let offsets: [Int32]
    private let scales: [Float]
    private let bias: [Float]

    static let panelOutputs = Int(KERNEL_BYTE_PANEL_COLUMNS)
    /// The most products in a sum that cannot overflow 32 bits.
    static let maxDepth = Int(KERNEL_BYTE_MAX_DEPTH)

    /// Quantizes and packs finite weights.
    ///
    /// - Parameters:
    ///   - weights: row-major, `[outputs, depth]`.
    ///   - bias: one value for each output.
    init(
        _ weights: UnsafePointer<Float>, outputs: Int, depth: Int, bias: UnsafeBufferPointer<Float>,
        input: InputQuantization
    ) {
        nonisolated(unsafe) let weights = weights
        self.init(outputs: outputs, depth: depth, bias: bias, input: input, workers: nil) { rows, pack in
            pack(weights + rows.lowerBound * depth)
        }
    }

    /// Quantizes and packs finite weights that are made some rows at a time.
    ///
    /// - Parameters:
    ///   - bias: one value for each output.
    ///   - workers: the threads that share the work; nil for none but this one.
    ///   - withRows: makes some rows, `[rows, depth]`, and passes them to the closure that it takes.
    init(
        outputs: Int, depth: Int, bias: UnsafeBufferPointer<Float>, input: InputQuantization, workers: WorkerPool?,
        withRows: @escaping @Sendable (_ rows: Range<Int>, _ pack: (UnsafePointer<Float>) -> Void) -> Void
    ) {
        precondition(1...Self.maxDepth ~= depth, "a sum of \(depth) products may overflow")
        precondition(bias.count == outputs, "\(bias.count) biases for \(outputs) outputs")
        self.outputs = outputs
        self.depth = depth
        self.input = input
        let panelCount = (outputs + Self.panelOutputs - 1) / Self.panelOutputs
        let padded = panelCount * Self.panelOutputs
        let panelByteCount = Self.panelOutputs * kernel_byte_panel_depth(depth)
        let panels = AlignedBuffer(byteCount: panelCount * panelByteCount)
        var weightScales = [Float](repeating: 0, count: padded)
        var sums = [Int32](repeating: 0, count: padded)
        weightScales.withUnsafeMutableBufferPointer { scales in
            sums.withUnsafeMutableBufferPointer { sums in
                nonisolated(unsafe) let memory = panels.bytes.bindMemory(to: Int8.self)
                nonisolated(unsafe) let (scales, sums) = (scales, sums)
                let pack: @Sendable (Int, Int) -> Void = { panel, _ in
                    let first = panel * Self.panelOutputs
                    let rows = first..<min(first + Self.panelOutputs, outputs)
                    withRows(rows) {
                        kernel_pack_bytes(
                            $0, rows.count, depth, memory.baseAddress.map { $0 + panel * panelByteCount },
                            scales.baseAddress.map { $0 + first }, sums.baseAddress.map { $0 + first })
                    }
                }
                if let workers {
                    workers.parallelFor(panelCount, pack)
                } else {
                    for panel in 0..<panelCount { pack(panel, 0) }
                }
            }
        }
        self.panels = panels
        offsets = sums.map { -$0 * Int32(input.zeroPoint) }
        scales = weightScales.map { $0 * input.scale }
        self.weightScales = Array(weightScales.prefix(outputs))
        self.bias = Array(bias) + [Float](repeating: 0, count: padded - outputs)
    }

    /// The length of a row of input bytes: the depth, rounded up to whole groups of the kernel. Units: bytes.
    static func paddedDepth(_ depth: Int) -> Int {
        let group = Int(KERNEL_BYTE_GROUP)
        return (depth + group - 1) / group * group
    }

    /// The size of a panel. Units: bytes.
    private var panelByteCount: Int { Self.panelOutputs * kernel_byte_panel_depth(depth) }
    /// The length of a row of input bytes. Units: bytes.
    var rowByteCount: Int { Self.paddedDepth(depth) }
    /// The number of panels.
    var panelCount: Int { offsets.count / Self.panelOutputs }
    /// The memory of the packed numbers and of their scales. Units: bytes.
    var byteCount: Int { panels.bytes.count + offsets.count * 3 * MemoryLayout<Float>.stride }

    /// Multiplies rows of input bytes by some of the panels, and rescales the sums.
    ///
    /// - Parameters:
    ///   - rows: `[rowCount, rowByteCount]`, rows `rowStride` bytes apart, followed by ``OperationRun/byteSlack``.
    ///   - output: `[rowCount, outputs]`, rows `outputStride` apart.
    ///   - addends: added to the output before the activation; it has the output's shape and stride.
    func multiply(
        panels range: Range<Int>, _ rows: UnsafePointer<UInt8>, rowStride: Int, rowCount: Int,
        into output: OutputMemory, outputStride: Int, adding addends: ByteAddends? = nil,
        activation: Activation?
    ) {
        let first = range.lowerBound * Self.panelOutputs
        let columns = first..<min(range.upperBound * Self.panelOutputs, outputs)
        withRescaling(
            of: columns, into: output, outputStride: outputStride, adding: addends, activation: activation
        ) { rescaling in
            withPanel(range.lowerBound) {
                kernel_multiply_bytes(rows, rowStride, rowCount, $0, rowByteCount, &rescaling)
            }
        }
    }

    /// Passes a panel, `[panelDepth / 4][16][4]`, which is followed by the next ones.
    func withPanel<Result>(_ panel: Int, _ body: (UnsafePointer<Int8>?) -> Result) -> Result {
        withExtendedLifetime(panels) {
            let packed = UnsafePointer(panels.bytes.bindMemory(to: Int8.self).baseAddress)
            return body(packed.map { $0 + panel * panelByteCount })
        }
    }

    /// Passes how the sums of some outputs become the layer's output.
    ///
    /// - Parameters:
    ///   - columns: the outputs; the first is that of a panel.
    ///   - output: `[rows, outputs]`, rows `outputStride` apart; likewise `addends`.
    func withRescaling(
        of columns: Range<Int>, into output: OutputMemory, outputStride: Int,
        adding addends: ByteAddends? = nil, activation: Activation?,
        _ body: (inout kernel_byte_rescaling) -> Void
    ) {
        let first = columns.lowerBound
        offsets.withUnsafeBufferPointer { offsets in
            scales.withUnsafeBufferPointer { scales in
                bias.withUnsafeBufferPointer { bias in
                    var rescaling = kernel_byte_rescaling()
                    rescaling.offsets = offsets.baseAddress.map { $0 + first }
                    rescaling.scales = scales.baseAddress.map { $0 + first }
                    rescaling.bias = bias.baseAddress.map { $0 + first }
                    if let addends { rescaling.addends = kernel_byte_addends(addends, from: first) }
                    rescaling.relu = activation == .relu
                    rescaling.column_count = columns.count
                    rescaling.output_stride = outputStride
                    switch output {
                    case .float32(let memory): rescaling.output = memory + first
                    case .bytes(let memory, let quantization):
                        rescaling.bytes = memory + first
                        rescaling.inverse_scale = quantization.inverseScale
                        rescaling.zero_point = quantization.zeroPoint
                    }
                    body(&rescaling)
                }
            }
        }
    }

    /// The number that stands for a weight, −127…127.
    func number(output: Int, input: Int) -> Int {
        let group = Int(KERNEL_BYTE_GROUP)
        let panel = output / Self.panelOutputs * panelByteCount
        let place = (input / group * Self.panelOutputs + output % Self.panelOutputs) * group + input % group
        return Int(panels.bytes.load(fromByteOffset: panel + place, as: Int8.self))
    }

    /// The weights with the error of quantization, `[outputs, depth]`.
    func unpacked() -> Tensor {
        Tensor([outputs, depth]) { values in
            for output in 0..<outputs {
                forEachWeight(of: output) { values.initializeElement(at: output * depth + $0, to: $1) }
            }
        }
    }

    /// Calls `body` for each weight of an output: with the number of its input, and its value with the error of
    /// quantization.
    func forEachWeight(of output: Int, _ body: (_ input: Int, _ weight: Float) -> Void) {
        for input in 0..<depth { body(input, Float(number(output: output, input: input)) * weightScales[output]) }
    }

    /// The output for an integer sum of (byte − zero point) · number, as the kernels compute it.
    func rescaled(_ sum: Int, output: Int) -> Float { Float(sum) * scales[output] + bias[output] }
}

extension kernel_byte_addends {
    /// What is added from an output channel on.
    fileprivate init(_ addends: ByteAddends, from channel: Int) {
        self.init()
        let quantization: InputQuantization?
        switch addends {
        case .float32(let memory, let rounding):
            values = memory + channel
            quantization = rounding
        case .bytes(let memory, let format):
            bytes = memory + channel
            quantization = format
        }
        if let quantization {
            scale = quantization.scale
            inverse_scale = quantization.inverseScale
            zero_point = quantization.zeroPoint
        }
    }
}

/// A weight of any shape as signed bytes in row-major order, with a scale for each index of its first axis.
struct QuantizedRows {
    /// The numbers, −127…127, as the bytes of `Int8`.
    let numbers: [UInt8]
    /// A weight is its number times the scale of its row.
    let scales: [Float]

    /// Quantizes finite weights as ``ByteMatrix`` does.
    init(_ weight: Tensor) {
        let rowCount = weight.shape[0]
        let depth = weight.shape.elementCount / max(rowCount, 1)
        var scales: [Float] = []
        numbers = weight.withUnsafeScalars { values in
            [UInt8](unsafeUninitializedCapacity: values.count) { numbers, count in
                for row in 0..<rowCount {
                    let places = row * depth..<(row + 1) * depth
                    let scale = values[places].reduce(0) { max($0, abs($1)) } / 127
                    scales.append(scale)
                    for index in places {
                        let number = scale == 0 ? 0 : (values[index] / scale).rounded(.toNearestOrEven)
                        numbers[index] = UInt8(bitPattern: Int8(min(max(number, -127), 127)))
                    }
                }
                count = values.count
            }
        }
        self.scales = scales
    }
}
