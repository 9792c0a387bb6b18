import Files

/// A tensor as it lies in a checkpoint: a checked view of a storage, in the type it was saved in.
///
/// It keeps the whole file's bytes alive; a ``Tensor`` made from it does so only where it is a view.
public struct StoredTensor: Sendable {
    /// How its numbers are written in the file.
    public let scalarType: ScalarType
    /// Its extents, outermost axis first.
    public let shape: Shape
    /// Units: elements, not bytes. A stride of 0 repeats one element along its axis.
    public let strides: [Int]

    /// All the bytes that the tensor's storage has.
    let storage: ByteRegion
    /// Units: elements.
    let storageOffset: Int

    /// No network has tensors of more axes.
    static let maxRank = 16

    /// Checks that every element lies in the storage.
    ///
    /// - Throws: ``CheckpointError/invalidLayout(name:found:expected:)`` for negative or absurd numbers,
    ///   ``CheckpointError/outOfBounds(name:lastElement:storageElementCount:)`` when an element lies outside.
    init(
        name: String, scalarType: ScalarType, extents: [Int], strides: [Int], storageOffset: Int, storage: ByteRegion
    ) throws(CheckpointError) {
        guard extents.count <= Self.maxRank else {
            throw .limitExceeded(what: "axes in one tensor", found: extents.count, limit: Self.maxRank)
        }
        guard strides.count == extents.count else {
            throw .invalidLayout(
                name: name, found: "strides \(strides)", expected: "one for each of the sizes \(extents)")
        }
        guard storageOffset >= 0, extents.allSatisfy({ $0 >= 0 }), strides.allSatisfy({ $0 >= 0 }) else {
            throw .invalidLayout(
                name: name, found: "sizes \(extents), strides \(strides) and offset \(storageOffset)",
                expected: "no negative number")
        }
        // Empty axes count as 1 here, so that contiguous strides can be worked out for whatever passes.
        guard Shape(extents.map { max($0, 1) }).checkedElementCount != nil else {
            throw .invalidLayout(name: name, found: "sizes \(extents)", expected: "a product of at most 63 bits")
        }
        shape = Shape(extents)
        let storageElementCount = storage.count / scalarType.byteCount
        var last = storageOffset
        for (extent, stride) in zip(extents, strides) where shape.elementCount > 0 {
            let (reach, reachOverflow) = stride.multipliedReportingOverflow(by: extent - 1)
            let (sum, sumOverflow) = last.addingReportingOverflow(reach)
            last = reachOverflow || sumOverflow ? Int.max : sum
            if last == Int.max { break }
        }
        guard shape.elementCount > 0 ? last < storageElementCount : last <= storageElementCount else {
            throw .outOfBounds(name: name, lastElement: last, storageElementCount: storageElementCount)
        }
        self.scalarType = scalarType
        self.strides = strides
        self.storage = storage
        self.storageOffset = storageOffset
    }

    /// The same elements in another shape; nil where they do not lie without gaps, or there are not as many.
    func reshaped(to shape: Shape) -> StoredTensor? {
        guard isContiguous, shape.elementCount == self.shape.elementCount, shape.elementCount > 0 else { return nil }
        return StoredTensor(
            scalarType: scalarType, shape: shape, strides: shape.contiguousStrides, storage: storage,
            storageOffset: storageOffset)
    }

    private init(
        scalarType: ScalarType, shape: Shape, strides: [Int], storage: ByteRegion, storageOffset: Int
    ) {
        self.scalarType = scalarType
        self.shape = shape
        self.strides = strides
        self.storage = storage
        self.storageOffset = storageOffset
    }

    /// Lets the memory of its storage go; nothing may read it any more.
    func discard() { storage.buffer.discard(storage.range) }

    /// Whether the elements lie without gaps, last axis fastest.
    public var isContiguous: Bool {
        var expected = 1
        for (extent, stride) in zip(shape.extents, strides).reversed() {
            if extent == 0 { return true }
            if extent == 1 { continue }
            if stride != expected { return false }
            expected *= extent
        }
        return true
    }

    /// The tensor in float32, last axis fastest.
    ///
    /// What is so already, and aligned, is viewed in place; all else is copied: float16 and bfloat16 exactly, float64
    /// rounded to nearest, as PyTorch's `.float()` does.
    public func tensor() -> Tensor {
        if shape.elementCount == 0 { return Tensor(shape) { _ in } }
        let start = storage.range.lowerBound + storageOffset * scalarType.byteCount
        if scalarType == .float32, isContiguous, start.isMultiple(of: MemoryLayout<Float>.alignment) {
            return Tensor(shape, viewing: storage.buffer, byteOffset: start)
        }
        return Tensor(shape) { output in
            storage.withUnsafeBytes { bytes in
                let source = UnsafeRawBufferPointer(rebasing: bytes[(storageOffset * scalarType.byteCount)...])
                let elements = StridedElements(
                    bytes: source, shape: shape, strides: strides, isContiguous: isContiguous)
                elements.convert(from: scalarType, to: output)
            }
        }
    }
}
