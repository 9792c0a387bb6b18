import Files

/// An array as NumPy describes it: a type, a shape, an order and bytes, not yet checked against each other.
struct NumPyArray {
    /// NumPy's name of the type, as `<f4`.
    let typeName: String
    let extents: [Int]
    /// Whether the first axis is the fastest.
    let isColumnMajor: Bool
    let data: ByteRegion

    /// Types that weights do not have, but that may lie beside them, and the bytes of one element.
    private static let otherTypes = [
        "|b1": 1, "|i1": 1, "|u1": 1, "<i2": 2, "<u2": 2, "<i4": 4, "<u4": 4, "<i8": 8, "<u8": 8, "<c8": 8, "<c16": 16,
    ]
    private static let scalarTypes: [String: ScalarType] = ["<f2": .float16, "<f4": .float32, "<f8": .float64]

    /// Whether an element is one number, as a tensor's are.
    var holdsNumbers: Bool { Self.scalarTypes[typeName] != nil || Self.otherTypes[typeName] != nil }

    /// The array as a tensor; nil where its numbers are no weights.
    ///
    /// - Throws: ``CheckpointError`` when the bytes are not as many as shape and type need, or the type is none of numbers.
    func tensor(name: String) throws(CheckpointError) -> StoredTensor? {
        let scalarType = Self.scalarTypes[typeName]
        guard let elementByteCount = scalarType?.byteCount ?? Self.otherTypes[typeName] else {
            throw .unsupportedScalarType(name: name, found: typeName)
        }
        guard extents.allSatisfy({ $0 >= 0 }) else {
            throw .invalidLayout(name: name, found: "sizes \(extents)", expected: "no negative number")
        }
        let sizes = extents.map { max($0, 1) }
        guard let elementCount = Shape(sizes).checkedElementCount else {
            throw .invalidLayout(
                name: name, found: "sizes \(extents)", expected: "a product of at most 63 bits")
        }
        let (byteCount, overflow) = (extents.contains(0) ? 0 : elementCount)
            .multipliedReportingOverflow(by: elementByteCount)
        guard !overflow, byteCount == data.count else {
            throw .byteCountMismatch(name: name, found: data.count, expected: overflow ? .max : byteCount)
        }
        guard let scalarType else { return nil }
        let strides =
            isColumnMajor
            ? Array(Shape(sizes.reversed()).contiguousStrides.reversed()) : Shape(sizes).contiguousStrides
        return try StoredTensor(
            name: name, scalarType: scalarType, extents: extents, strides: strides, storageOffset: 0, storage: data)
    }
}
