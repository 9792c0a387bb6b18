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

/// The tensors of a checkpoint in file order, each under a name of its own.
public struct StoredTensors: Sendable, RandomAccessCollection {
    /// A tensor and what it is called.
    public typealias Element = (name: String, tensor: StoredTensor)

    private var elements: [Element] = []
    private var indices: [String: Int] = [:]

    init() {}

    /// Tensors that are in memory already.
    ///
    /// - Throws: ``CheckpointError/duplicateTensor(name:)``
    package init(_ tensors: [(name: String, tensor: Tensor)]) throws(CheckpointError) {
        for (name, tensor) in tensors { try append(try tensor.stored(as: name), name: name) }
    }

    /// Always 0.
    public var startIndex: Int { elements.startIndex }
    /// How many tensors there are.
    public var endIndex: Int { elements.endIndex }
    /// The tensor at a place in the file's order.
    public subscript(position: Int) -> Element { elements[position] }

    /// The tensor of that name, if there is one.
    public subscript(name: String) -> StoredTensor? { indices[name].map { elements[$0].tensor } }

    /// All names, in file order.
    public var names: [String] { elements.map(\.name) }

    /// Those whose names begin so, under what comes behind it.
    ///
    /// - Throws: ``CheckpointError/nothingUnderPrefix(_:)``
    func under(_ prefix: String) throws(CheckpointError) -> StoredTensors {
        var tensors = StoredTensors()
        for (name, tensor) in elements where name.hasPrefix(prefix) && name.count > prefix.count {
            try tensors.append(tensor, name: String(name.dropFirst(prefix.count)))
        }
        guard !tensors.isEmpty else { throw .nothingUnderPrefix(prefix) }
        return tensors
    }

    /// The names of those that share no byte with another one.
    var namesOfUnshared: Set<String> {
        var names: Set<String> = []
        let sorted = elements.sorted { left, right in
            (ObjectIdentifier(left.tensor.storage.buffer), left.tensor.storage.range.lowerBound)
                < (ObjectIdentifier(right.tensor.storage.buffer), right.tensor.storage.range.lowerBound)
        }
        /// Where those before end.
        var reach = 0
        for (index, (name, tensor)) in sorted.enumerated() {
            let (buffer, range) = (tensor.storage.buffer, tensor.storage.range)
            if index == 0 || sorted[index - 1].tensor.storage.buffer !== buffer { reach = 0 }
            let next = index + 1 < sorted.count ? sorted[index + 1].tensor.storage : nil
            let isBeforeOthers = next.map { $0.buffer !== buffer || $0.range.lowerBound >= range.upperBound } ?? true
            if range.lowerBound >= reach, isBeforeOthers { names.insert(name) }
            reach = Swift.max(reach, range.upperBound)
        }
        return names
    }

    /// - Throws: ``CheckpointError/duplicateTensor(name:)``
    mutating func append(_ tensor: StoredTensor, name: String) throws(CheckpointError) {
        guard indices.updateValue(elements.count, forKey: name) == nil else { throw .duplicateTensor(name: name) }
        elements.append((name, tensor))
    }
}

/// The types of weights that are kept in eight bits or fewer, and mean nothing without the scales beside them.
enum QuantizedType {
    /// Whether a type is such a one: PyTorch's names, as `qint8` and `float8_e4m3fn`, and safetensors', as `F8_E4M3`.
    static func isQuantized(_ scalarName: String) -> Bool {
        ["qint", "quint", "float8", "float6", "float4", "F8_", "F6_", "F4"].contains(where: scalarName.hasPrefix)
    }
}

extension Tensor {
    /// Where the first infinity or NaN stands, counted along the last axis first; nil when all is finite.
    public var firstNonFiniteIndex: Int? {
        withUnsafeScalars { scalars in
            let blockExtent = 4096
            for start in stride(from: 0, to: scalars.count, by: blockExtent) {
                let block = scalars[start..<min(start + blockExtent, scalars.count)]
                // An exponent of all ones, and no other, carries into the sign's place: integer work that vectorises.
                var carries: UInt32 = 0
                for scalar in UnsafeBufferPointer(rebasing: block) {
                    carries |= (scalar.bitPattern & 0x7FFF_FFFF) &+ 0x0080_0000
                }
                if carries >> 31 != 0 { return block.firstIndex { !$0.isFinite } }
            }
            return nil
        }
    }

    /// - Throws: ``CheckpointError/nonFinite(name:index:value:)`` for the first scalar that is not finite.
    public func checkFinite(name: String) throws(CheckpointError) {
        guard let index = firstNonFiniteIndex else { return }
        throw .nonFinite(name: name, index: index, value: withUnsafeScalars { "\($0[index])" })
    }
}
