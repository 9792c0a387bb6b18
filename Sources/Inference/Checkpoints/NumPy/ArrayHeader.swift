/// What stands before an array's numbers in a `.npy` file: a version and a dictionary in Python's notation.
///
/// - Source: NumPy's `numpy/lib/format.py`, versions 1.0, 2.0 and 3.0
struct ArrayHeader: Equatable {
    /// NumPy's name of the type, as `<f4`.
    let typeName: String
    /// Whether the first axis is the fastest.
    let isColumnMajor: Bool
    /// One an axis, none of them negative.
    let extents: [Int]

    /// NumPy's own reader takes no longer ones without being told to. Units: bytes.
    static let maxByteCount = 10_000

    static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

    /// Reads the header, and leaves the cursor at the numbers.
    ///
    /// - Parameter record: the file's name in errors.
    init(_ cursor: inout ByteCursor, record: String) throws(CheckpointError) {
        let start = try cursor.region(byteCount: Self.magic.count).withUnsafeBytes { Array($0) }
        guard start == Self.magic else {
            throw .invalidArray(
                record: record, offset: 0, found: "the bytes \(start)", expected: "the magic of a .npy file")
        }
        let (major, minor) = (try cursor.number(UInt8.self), try cursor.number(UInt8.self))
        guard 1...3 ~= major, minor == 0 else {
            throw .invalidArray(
                record: record, offset: 6, found: "version \(major).\(minor)", expected: "1.0, 2.0 or 3.0")
        }
        let byteCount = major == 1 ? Int(try cursor.number(UInt16.self)) : Int(try cursor.number(UInt32.self))
        guard byteCount <= Self.maxByteCount else {
            throw .limitExceeded(what: "bytes in a .npy header", found: byteCount, limit: Self.maxByteCount)
        }
        let textOffset = cursor.offset
        let text = try cursor.region(byteCount: byteCount).withUnsafeBytes { Array($0) }
        var literal = PythonLiteralCursor(text, offset: textOffset, record: record)
        self = try literal.arrayHeader()
    }

    init(typeName: String, isColumnMajor: Bool, extents: [Int]) {
        self.typeName = typeName
        self.isColumnMajor = isColumnMajor
        self.extents = extents
    }
}
