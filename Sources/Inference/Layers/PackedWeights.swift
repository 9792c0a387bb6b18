import CKernels
import Files
import Synchronization
import Threads

/// A linear layer's weights, packed into panels of 32 outputs, so that the kernel reads memory in one sequence.
///
/// Each output has a scale of its own, so that no finite weight is too large or too small for a type.
public struct PackedWeights: Sendable {
    /// The type in which a weight is stored, the smallest first. A weight is the stored number times its output's
    /// scale.
    enum Element: String, Sendable, CaseIterable {
        /// −127…127; the scale is 1/127 of the output's largest weight.
        case int8
        /// IEEE 754 half precision; the scale is a power of two.
        case float16
        /// As many bits as the significand of a float32; the scale is a power of two, which the output's largest weight
        /// sets.
        case int24
        /// As it is; the scale is 1.
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
    /// Shape: `[outputs, inputs]`, as of the weights that were packed.
    let shape: Shape
    /// ‖stored − given‖ / ‖given‖ in the Euclidean norm, taken for each sixteenth of an output's weights; the largest
    /// of all. Over a whole output one large weight would hide what the others lose.
    let relativeError: Float
    /// Shape: `[panel][input][32]`; zero behind the last output.
    private let panels: AlignedBuffer
    /// Shape: `[panel][32]`.
    private let scales: AlignedBuffer

    /// How many outputs a panel has.
    static let panelOutputs = Int(KERNEL_LINEAR_OUTPUTS)

    /// Packs finite weights of `[outputs, inputs]`; the threads share the work.
    init(_ weight: Tensor, as element: Element, workers: WorkerPool) {
        guard let packed = Self(weight, as: element, workers: workers, errorLimit: .infinity) else {
            preconditionFailure("an error of \(element) weights is above infinity")
        }
        self = packed
    }

    /// Packs finite weights of `[outputs, inputs]`; the threads share the work.
    ///
    /// - Returns: nil if ``relativeError`` would be above the limit.
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

    /// How many panels there are.
    var panelCount: Int { (shape[0] + Self.panelOutputs - 1) / Self.panelOutputs }

    /// Units: bytes.
    var byteCount: Int { panels.bytes.count + scales.bytes.count }

    /// Computes one panel's outputs.
    ///
    /// - Parameter sums: room for 32 floats an image.
    func multiply(panel: Int, _ layer: kernel_linear, sums: UnsafeMutablePointer<Float>) {
        withExtendedLifetime((panels, scales)) {
            guard let memory = panels.bytes.baseAddress, let scale = scales.bytes.baseAddress else { return }
            let first = panel * Self.panelOutputs
            let weights = memory + first * shape[1] * element.byteCount
            let scales = scale.assumingMemoryBound(to: Float.self) + first
            withUnsafePointer(to: layer) { element.multiply(weights, scales, $0, sums) }
        }
    }

    /// The weights with the error that packing made, `[outputs, inputs]`.
    func unpacked() -> Tensor {
        let (outputs, depth) = (shape[0], shape[1])
        return Tensor(shape) { values in
            for output in 0..<outputs {
                let scale = scales.bytes.load(fromByteOffset: output * MemoryLayout<Float>.stride, as: Float.self)
                let panel = output / Self.panelOutputs * Self.panelOutputs * depth * element.byteCount
                for k in 0..<depth {
                    let row = UnsafeRawBufferPointer(panels.bytes)[
                        (panel + k * Self.panelOutputs * element.byteCount)...]
                    let number = element.number(
                        of: output % Self.panelOutputs, in: UnsafeRawBufferPointer(rebasing: row))
                    values[output * depth + k] = number * scale
                }
            }
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

    /// One of the 32 numbers that a panel stores for an input, without its scale.
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

/// The precision in which a model's linear layers keep their weights.
///
/// At small batches these layers are bound by memory bandwidth, so that half the bytes take half the time.
/// Convolutions, biases, activations and sums are always float32.
public enum Precision: String, Sendable, CaseIterable {
    /// IEEE 754 single precision, PyTorch's default. A layer's weights take two or three bytes each where the error is
    /// no larger than that of float32 sums, else four.
    case float32
    /// IEEE 754 half precision, 11 significant bits. A checkpoint that was saved in float16 loses nothing.
    case float16
    /// Integers from −127 to 127 with one scale for each output. The last layer stays float16: its errors would reach
    /// the probabilities undamped.
    case int8
}

/// Packs the weights of a checkpoint's linear layers in a precision.
struct WeightPacking: Sendable {
    private let precision: Precision
    private let workers: WorkerPool

    /// The largest ``PackedWeights/relativeError`` that ``Precision/float32`` allows. A sum of a few thousand float32
    /// products has an error as large.
    static let float32ErrorLimit: Float = 1e-6

    init(_ precision: Precision, workers: WorkerPool) {
        self.precision = precision
        self.workers = workers
    }

    /// Packs a linear layer's finite weights.
    ///
    /// In float32 they take the fewest bytes within ``float32ErrorLimit``: two where they were saved in float16, three
    /// where an output's weights are of similar magnitude, else four.
    /// - Parameter isOutput: whether the layer's outputs are the network's.
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
        case .int8: return PackedWeights(weight, as: isOutput ? .float16 : .int8, workers: workers)
        }
    }
}
