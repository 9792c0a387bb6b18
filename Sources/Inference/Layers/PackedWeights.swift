import CKernels
import Files
import Synchronization
import Threads

/// A linear layer's weights, packed into panels of 32 outputs, so that the kernel reads memory sequentially.
///
/// Each output has its own scale, so that every finite weight fits the range of every element type.
public struct PackedWeights: Sendable {
    /// The type in which weights are stored, smallest first. A weight is the stored number times the scale of its
    /// output.
    enum Element: String, Sendable, CaseIterable {
        /// 8-bit integers, −127…127. The scale is 1/127 of the output's largest weight.
        case int8
        /// IEEE 754 half precision. The scale is a power of two.
        case float16
        /// 24-bit integers, as wide as the significand of float32. The scale is a power of two that follows from the
        /// output's largest weight.
        case int24
        /// IEEE 754 single precision, unchanged. The scale is 1.
        case float32

        fileprivate var byteCount: Int {
            switch self {
            case .int8: 1
            case .float16: 2
            case .int24: 3
            case .float32: 4
            }
        }
    }

    let element: Element
    /// The shape of the weights before packing, `[outputs, inputs]`.
    let shape: Shape
    /// The largest relative error of packing, ‖stored − given‖ / ‖given‖ in the Euclidean norm. It is taken over each
    /// sixteenth of an output's weights: over the whole output, one large weight would hide the errors of the others.
    let relativeError: Float
    /// The packed numbers. Shape: `[panel][input][32]`; zeros after the last output.
    private let panels: AlignedBuffer
    /// The scale of each output. Shape: `[panel][32]`.
    private let scales: AlignedBuffer

    /// The number of outputs in a panel.
    static let panelOutputs = Int(KERNEL_LINEAR_OUTPUTS)

    /// Packs finite weights of `[outputs, inputs]`; the threads share the work.
    init(_ weight: Tensor, as element: Element, workers: WorkerPool) {
        guard let packed = Self(weight, as: element, workers: workers, errorLimit: .infinity) else {
            preconditionFailure("an error of \(element) weights is above infinity")
        }
        self = packed
    }

    /// Packs finite weights of `[outputs, inputs]` if that is accurate enough; the threads share the work.
    ///
    /// - Returns: nil if ``relativeError`` would exceed `errorLimit`.
    init?(_ weight: Tensor, as element: Element, workers: WorkerPool, errorLimit: Float) {
        precondition(weight.shape.rank == 2, "a linear layer's weight is [O, I], not \(weight.shape)")
        let (outputs, depth) = (weight.shape[0], weight.shape[1])
        let panelCount = (outputs + Self.panelOutputs - 1) / Self.panelOutputs
        let panels = AlignedBuffer(byteCount: panelCount * Self.panelOutputs * depth * element.byteCount)
        let scales = AlignedBuffer(byteCount: panelCount * Self.panelOutputs * MemoryLayout<Float>.stride)
        let largestError = Mutex<Float>(0)
        workers.parallelFor(panelCount) { panel, _ in
            guard largestError.withLock({ $0 <= errorLimit }) else { return }
            let error = weight.withUnsafeScalars { rows -> Float in
                guard let rows = rows.baseAddress, let memory = panels.bytes.baseAddress,
                    let scales = scales.bytes.bindMemory(to: Float.self).baseAddress
                else { return 0 }
                let first = panel * Self.panelOutputs
                var error: Float = 0
                element.pack(
                    rows + first * depth, min(Self.panelOutputs, outputs - first), depth,
                    memory + first * depth * element.byteCount, scales + first, &error)
                return error
            }
            largestError.withLock { $0 = max($0, error) }
        }
        relativeError = largestError.withLock(\.self)
        guard relativeError <= errorLimit else { return nil }
        self.element = element
        shape = weight.shape
        self.panels = panels
        self.scales = scales
    }

    /// The number of panels.
    var panelCount: Int { (shape[0] + Self.panelOutputs - 1) / Self.panelOutputs }

    /// The memory of panels and scales. Units: bytes.
    var byteCount: Int { panels.bytes.count + scales.bytes.count }

    /// Computes one panel's outputs.
    ///
    /// - Parameter sums: scratch memory of 32 floats per image.
    func multiply(panel: Int, _ layer: kernel_linear, sums: UnsafeMutablePointer<Float>) {
        withExtendedLifetime((panels, scales)) {
            guard let memory = panels.bytes.baseAddress, let scale = scales.bytes.baseAddress else { return }
            let first = panel * Self.panelOutputs
            let weights = memory + first * shape[1] * element.byteCount
            let scales = scale.assumingMemoryBound(to: Float.self) + first
            withUnsafePointer(to: layer) { element.multiply(weights, scales, $0, sums) }
        }
    }

    /// The weights as float32 with the error of packing, `[outputs, inputs]`.
    func unpacked() -> Tensor {
        let (outputs, depth) = (shape[0], shape[1])
        return Tensor(shape) { values in
            for output in 0..<outputs { forEachWeight(of: output) { values[output * depth + $0] = $1 } }
        }
    }

    /// Calls `body` for each weight of an output: with the number of its input, and its value with the error of packing.
    func forEachWeight(of output: Int, _ body: (_ input: Int, _ weight: Float) -> Void) {
        let rowByteCount = Self.panelOutputs * element.byteCount
        let scale = scales.bytes.load(fromByteOffset: output * MemoryLayout<Float>.stride, as: Float.self)
        let first = output / Self.panelOutputs * rowByteCount * shape[1]
        for input in 0..<shape[1] {
            let row = UnsafeRawBufferPointer(
                rebasing: panels.bytes[first + input * rowByteCount..<first + (input + 1) * rowByteCount])
            body(input, element.number(of: output % Self.panelOutputs, in: row) * scale)
        }
    }
}

extension PackedWeights.Element {
    fileprivate typealias Pack = (
        _ rows: UnsafePointer<Float>, _ rowCount: Int, _ depth: Int, _ panel: UnsafeMutableRawPointer,
        _ scales: UnsafeMutablePointer<Float>, _ relativeError: UnsafeMutablePointer<Float>
    ) -> Void

    fileprivate var pack: Pack {
        switch self {
        case .float32: { kernel_linear_pack_float32($0, $1, $2, $3, $4, $5) }
        case .int24: { kernel_linear_pack_int24($0, $1, $2, $3, $4, $5) }
        case .float16: { kernel_linear_pack_float16($0, $1, $2, $3, $4, $5) }
        case .int8: { kernel_linear_pack_int8($0, $1, $2, $3, $4, $5) }
        }
    }

    fileprivate func multiply(
        _ panel: UnsafeRawPointer, _ scales: UnsafePointer<Float>, _ layer: UnsafePointer<kernel_linear>,
        _ sums: UnsafeMutablePointer<Float>
    ) {
        switch self {
        case .float32: kernel_linear_float32(panel, scales, layer, sums)
        case .int24: kernel_linear_int24(panel, scales, layer, sums)
        case .float16: kernel_linear_float16(panel, scales, layer, sums)
        case .int8: kernel_linear_int8(panel, scales, layer, sums)
        }
    }

    /// One of the 32 numbers that a panel stores for an input, before it is multiplied by the scale.
    fileprivate func number(of output: Int, in row: UnsafeRawBufferPointer) -> Float {
        switch self {
        case .float32: row.loadUnaligned(fromByteOffset: 4 * output, as: Float.self)
        case .int24:
            Float(
                Int(row.loadUnaligned(fromByteOffset: 2 * output, as: Int16.self)) << 8
                    + Int(row[2 * PackedWeights.panelOutputs + output]))
        case .float16:
            ScalarConversion.float(float16: row.loadUnaligned(fromByteOffset: 2 * output, as: UInt16.self))
        case .int8: Float(Int8(bitPattern: row[output]))
        }
    }
}

/// The precision in which a model stores the weights of its linear layers.
///
/// With small batches, memory bandwidth limits these layers, so half the bytes take half the time. Convolutions,
/// biases, activations and sums are always float32.
public enum Precision: String, Sendable, CaseIterable {
    /// IEEE 754 single precision, PyTorch's default. Weights are stored in two or three bytes if that adds no more
    /// error than float32 summation does; otherwise in four.
    case float32
    /// IEEE 754 half precision with 11 significant bits. Lossless for a checkpoint that was saved in float16.
    case float16
    /// Weights as integers from −127 to 127 with one scale per output; the arithmetic is float32's. The last layer stays
    /// float16, because its errors would directly change the probabilities.
    case int8Weights = "int8-weights"
}

/// Packs the weights of a checkpoint's linear layers in a precision.
struct WeightPacking: Sendable {
    private let precision: Precision
    /// The threads that share the work.
    let workers: WorkerPool

    /// The largest ``PackedWeights/relativeError`` in ``Precision/float32``. The sum of a few thousand float32 products
    /// has an error of the same size.
    static let float32ErrorLimit: Float = 1e-6

    init(_ precision: Precision, workers: WorkerPool) {
        self.precision = precision
        self.workers = workers
    }

    /// Packs a linear layer's finite weights.
    ///
    /// In float32 they take the fewest bytes within ``float32ErrorLimit``: two if they were saved in float16, three if
    /// each output's weights are of similar magnitude, else four.
    /// - Parameter isOutput: whether this is the network's last layer.
    func pack(_ weight: Tensor, isOutput: Bool) -> PackedWeights {
        switch precision {
        case .float32:
            for element in [PackedWeights.Element.float16, .int24] {
                let packed = PackedWeights(
                    weight, as: element, workers: workers, errorLimit: Self.float32ErrorLimit)
                if let packed { return packed }
            }
            return PackedWeights(weight, as: .float32, workers: workers)
        case .float16: return PackedWeights(weight, as: .float16, workers: workers)
        case .int8Weights: return PackedWeights(weight, as: isOutput ? .float16 : .int8, workers: workers)
        }
    }
}
