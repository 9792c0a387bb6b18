import Files

/// A tensor in a checkpoint: a bounds-checked strided view of a storage, in the type it was saved in; or a quantized
/// weight, whose signed bytes stand for float32 values.
///
/// It keeps the bytes of the whole file alive. A ``Tensor`` made from it keeps them alive only if it is a view.
public struct StoredTensor: Sendable {
    /// The element type in the file; that of the scales for a quantized weight.
    public let scalarType: ScalarType
    /// The shape, outermost axis first.
    public let shape: Shape
    /// The stride of each axis; 0 repeats one element along the axis. Units: elements.
    public let strides: [Int]

    /// All bytes of the tensor's storage.
    let storage: ByteRegion
    /// The first element's position in the storage. Units: elements.
    let storageOffset: Int
    /// Of a quantized weight, the scale of each index of the first axis: a value is its signed byte times the scale. Its
    /// elements are contiguous. Nil for floating point.
    private let rowScales: [Float]?

    /// The most axes; more than any network's tensors have.
    static let maxRank = 16

    /// Checks that every element is within the storage.
    ///
    /// - Throws: ``CheckpointError/invalidLayout(name:found:expected:)`` for negative or overflowing numbers,
    ///   ``CheckpointError/outOfBounds(name:lastElement:storageElementCount:)`` when an element is outside.
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
        // Empty axes count as 1 here, so that contiguous strides never overflow later.
        guard Shape(extents.map { max($0, 1) }).checkedElementCount != nil else {
            throw .invalidLayout(name: name, found: "sizes \(extents)", expected: "a product of at most 63 bits")
        }
        let shape = Shape(extents)
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
        self.init(
            scalarType: scalarType, shape: shape, strides: strides, storage: storage, storageOffset: storageOffset,
            rowScales: nil)
    }

    /// A quantized weight.
    ///
    /// - Parameters:
    ///   - bytes: a signed byte for each element, in row-major order.
    ///   - rowScales: the scale of each index of the first axis.
    init(quantized bytes: ByteRegion, shape: Shape, rowScales: [Float]) {
        precondition(bytes.count == shape.elementCount, "\(bytes.count) bytes for a tensor of shape \(shape)")
        precondition(rowScales.count == shape[0], "\(rowScales.count) scales for \(shape[0]) rows")
        self.init(
            scalarType: .float32, shape: shape, strides: shape.contiguousStrides, storage: bytes, storageOffset: 0,
            rowScales: rowScales)
    }

    /// The same elements in another shape; nil if they are not contiguous or the element counts differ.
    func reshaped(to shape: Shape) -> StoredTensor? {
        guard isContiguous, shape.elementCount == self.shape.elementCount, shape.elementCount > 0,
            rowScales == nil || shape[0] == self.shape[0]
        else { return nil }
        return StoredTensor(
            scalarType: scalarType, shape: shape, strides: shape.contiguousStrides, storage: storage,
            storageOffset: storageOffset, rowScales: rowScales)
    }

    private init(
        scalarType: ScalarType, shape: Shape, strides: [Int], storage: ByteRegion, storageOffset: Int,
        rowScales: [Float]?
    ) {
        self.scalarType = scalarType
        self.shape = shape
        self.strides = strides
        self.storage = storage
        self.storageOffset = storageOffset
        self.rowScales = rowScales
    }

    /// Releases the memory of the storage. No tensor may read it afterwards.
    func discard() { storage.buffer.discard(storage.range) }

    /// Whether the elements are contiguous in row-major order.
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

    /// The tensor as contiguous float32 in row-major order.
    ///
    /// If it is stored that way and aligned, the result is a view. Otherwise it is copied and converted: float16 and
    /// bfloat16 exactly, float64 rounded to nearest, as by PyTorch's `.float()`.
    public func tensor() -> Tensor { view ?? converted() }

    /// The same in memory of its own.
    func ownTensor() -> Tensor { view?.copied() ?? converted() }

    private var view: Tensor? {
        let start = storage.range.lowerBound + storageOffset * scalarType.byteCount
        guard scalarType == .float32, rowScales == nil, isContiguous, shape.elementCount > 0,
            start.isMultiple(of: MemoryLayout<Float>.alignment)
        else { return nil }
        return Tensor(shape, viewing: storage.buffer, byteOffset: start)
    }

    private func converted() -> Tensor {
        if shape.elementCount == 0 { return Tensor(shape) { _ in } }
        if rowScales != nil { return Tensor(shape) { convertRows(0..<shape[0], to: $0) } }
        return Tensor(shape) { output in
            storage.withUnsafeBytes { bytes in
                let source = UnsafeRawBufferPointer(rebasing: bytes[(storageOffset * scalarType.byteCount)...])
                let elements = StridedElements(
                    bytes: source, shape: shape, strides: strides, isContiguous: isContiguous)
                elements.convert(from: scalarType, to: output)
            }
        }
    }

    /// Whether this is a quantized weight.
    var isQuantized: Bool { rowScales != nil }

    /// Whether every signed byte times its scale is finite. Of floating-point tensors that is not known.
    var isCertainlyFinite: Bool { rowScales?.allSatisfy { (128 * $0).isFinite } ?? false }

    /// Passes some rows of a quantized weight, the indices of its first axis, as float32.
    func withRows(_ rows: Range<Int>, _ body: (UnsafePointer<Float>) -> Void) {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: shape.elementCount / shape[0] * rows.count) { values in
            convertRows(rows, to: values)
            if let start = values.baseAddress { body(start) }
        }
    }

    private func convertRows(_ rows: Range<Int>, to output: UnsafeMutableBufferPointer<Float>) {
        guard let rowScales else { preconditionFailure("the tensor is not quantized") }
        let depth = shape.elementCount / shape[0]
        storage.withUnsafeBytes { bytes in
            let numbers = bytes.bindMemory(to: Int8.self)
            for row in rows {
                let scale = rowScales[row]
                let target = (row - rows.lowerBound) * depth
                for index in 0..<depth {
                    output.initializeElement(at: target &+ index, to: Float(numbers[row &* depth &+ index]) * scale)
                }
            }
        }
    }
}

/// The tensors of a checkpoint in file order, with unique names.
public struct StoredTensors: Sendable, RandomAccessCollection {
    /// A tensor and its name.
    public typealias Element = (name: String, tensor: StoredTensor)

    private var elements: [Element] = []
    private var indices: [String: Int] = [:]

    init() {}

    /// Wraps tensors in memory.
    ///
    /// - Throws: ``CheckpointError/duplicateTensor(name:)``
    package init(_ tensors: [(name: String, tensor: Tensor)]) throws(CheckpointError) {
        for (name, tensor) in tensors { try append(try tensor.stored(as: name), name: name) }
    }

    /// Always 0.
    public var startIndex: Int { elements.startIndex }
    /// The number of tensors.
    public var endIndex: Int { elements.endIndex }
    /// The tensor at a position in file order.
    public subscript(position: Int) -> Element { elements[position] }

    /// The tensor of that name, or nil.
    public subscript(name: String) -> StoredTensor? { indices[name].map { elements[$0].tensor } }

    /// The names of all tensors, in file order.
    public var names: [String] { elements.map(\.name) }

    /// The tensors whose names start with `prefix`, under their names without it.
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

    /// The names of the tensors whose bytes no other tensor shares.
    var namesOfUnshared: Set<String> {
        var names: Set<String> = []
        let sorted = elements.sorted { left, right in
            (ObjectIdentifier(left.tensor.storage.buffer), left.tensor.storage.range.lowerBound)
                < (ObjectIdentifier(right.tensor.storage.buffer), right.tensor.storage.range.lowerBound)
        }
        /// The end of the storages seen so far in this buffer. Units: bytes.
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

    /// Adds a tensor.
    ///
    /// - Throws: ``CheckpointError/duplicateTensor(name:)``
    mutating func append(_ tensor: StoredTensor, name: String) throws(CheckpointError) {
        guard indices.updateValue(elements.count, forKey: name) == nil else { throw .duplicateTensor(name: name) }
        elements.append((name, tensor))
    }
}

/// Quantized element types of eight bits or fewer; such weights are meaningless without their scales.
enum QuantizedType {
    /// Whether a type is quantized, by its name in PyTorch (`qint8`, `float8_e4m3fn`) or safetensors (`F8_E4M3`).
    static func isQuantized(_ scalarName: String) -> Bool {
        ["qint", "quint", "float8", "float6", "float4", "F8_", "F6_", "F4"].contains(where: scalarName.hasPrefix)
    }
}

extension Tensor {
    /// Row-major index of the first infinity or NaN; nil when all scalars are finite.
    public var firstNonFiniteIndex: Int? {
        withUnsafeScalars { scalars in
            let blockExtent = 4096
            for start in stride(from: 0, to: scalars.count, by: blockExtent) {
                let block = scalars[start..<min(start + blockExtent, scalars.count)]
                // Integer arithmetic, which vectorises: only an exponent of all ones carries into the sign bit.
                var carries: UInt32 = 0
                for scalar in UnsafeBufferPointer(rebasing: block) {
                    carries |= (scalar.bitPattern & 0x7FFF_FFFF) &+ 0x0080_0000
                }
                if carries >> 31 != 0 { return block.firstIndex { !$0.isFinite } }
            }
            return nil
        }
    }

    /// Checks that all scalars are finite.
    ///
    /// - Throws: ``CheckpointError/nonFinite(name:index:value:)`` for the first one that is not.
    public func checkFinite(name: String) throws(CheckpointError) {
        guard let index = firstNonFiniteIndex else { return }
        throw .nonFinite(name: name, index: index, value: withUnsafeScalars { "\($0[index])" })
    }
}
