import Files

/// A dense float32 array in row-major order. Copies share its memory.
///
/// A tensor is immutable, so any thread may read it.
public struct Tensor: Sendable {
    /// The shape. By convention, activations are `[N, C, H, W]`, kernels `[O, I, KH, KW]`, linear weights `[O, I]`.
    public let shape: Shape

    private let storage: AlignedBuffer
    private let byteOffset: Int

    /// Makes a tensor and initialises its memory in place.
    ///
    /// - Parameters:
    ///   - pool: lends the memory; nil to allocate it.
    ///   - initialize: must write every element.
    public init<E: Error>(
        _ shape: Shape, from pool: BufferPool? = nil,
        initializingWith initialize: (UnsafeMutableBufferPointer<Float>) throws(E) -> Void
    ) throws(E) {
        let byteCount = shape.elementCount * MemoryLayout<Float>.stride
        let storage = pool?.take(byteCount: byteCount) ?? AlignedBuffer(byteCount: byteCount)
        try initialize(storage.bytes.bindMemory(to: Float.self))
        self.init(shape, viewing: storage, byteOffset: 0)
    }

    /// Makes a tensor with a copy of these scalars.
    public init(_ shape: Shape, scalars: [Float]) {
        precondition(
            scalars.count == shape.elementCount,
            "a tensor of shape \(shape) has \(shape.elementCount) scalars, not \(scalars.count)")
        self.init(shape) { _ = $0.initialize(from: scalars) }
    }

    /// A view of float32 values in a buffer. The view keeps the buffer alive.
    public init(_ shape: Shape, viewing storage: AlignedBuffer, byteOffset: Int) {
        let byteCount = shape.elementCount * MemoryLayout<Float>.stride
        precondition(
            byteOffset >= 0 && byteOffset + byteCount <= storage.bytes.count
                && byteOffset % MemoryLayout<Float>.alignment == 0,
            "\(byteCount) bytes from \(byteOffset) do not fit a buffer of \(storage.bytes.count)")
        self.shape = shape
        self.storage = storage
        self.byteOffset = byteOffset
    }

    /// Gives `body` access to the scalars for the duration of the call.
    public func withUnsafeScalars<R, E: Error>(
        _ body: (UnsafeBufferPointer<Float>) throws(E) -> R
    ) throws(E) -> R {
        try withExtendedLifetime(storage) { () throws(E) -> R in
            let bytes = UnsafeRawBufferPointer(rebasing: storage.bytes[byteOffset...])
            return try body(UnsafeBufferPointer(rebasing: bytes.bindMemory(to: Float.self)[..<shape.elementCount]))
        }
    }

    /// A copy with its own memory.
    public func copied() -> Tensor {
        Tensor(shape) { copy in withUnsafeScalars { _ = copy.initialize(from: $0) } }
    }

    /// A checkpoint's tensor that is a view of this one.
    func stored(as name: String) throws(CheckpointError) -> StoredTensor {
        let start = byteOffset / MemoryLayout<Float>.stride
        return try StoredTensor(
            name: name, scalarType: .float32, extents: shape.extents, strides: shape.contiguousStrides,
            storageOffset: start, storage: ByteRegion(storage))
    }

    /// The scalars, copied to an array.
    public var scalars: [Float] { withUnsafeScalars(Array.init) }

    /// The slices along the first axis, such as the images of a batch. They are views of the same memory.
    public var slices: [Tensor] {
        let part = Shape(Array(shape.extents.dropFirst()))
        return (0..<shape[0]).map { index in
            Tensor(
                part, viewing: storage,
                byteOffset: byteOffset + index * part.elementCount * MemoryLayout<Float>.stride)
        }
    }

    /// A view of the same scalars with another shape of as many elements.
    public func reshaped(to shape: Shape) -> Tensor {
        precondition(
            shape.elementCount == self.shape.elementCount, "\(self.shape) cannot be reshaped to \(shape)")
        return Tensor(shape, viewing: storage, byteOffset: byteOffset)
    }
}

/// The element type of a stored tensor.
public enum ScalarType: String, Sendable, CaseIterable {
    /// IEEE 754 half precision: 11 significant bits, 5 exponent bits.
    case float16
    /// The upper half of a float32: 8 significant bits, 8 exponent bits.
    case bfloat16
    /// IEEE 754 single precision.
    case float32
    /// IEEE 754 double precision.
    case float64

    /// The size of one element. Units: bytes.
    public var byteCount: Int {
        switch self {
        case .float16, .bfloat16: 2
        case .float32: 4
        case .float64: 8
        }
    }
}
