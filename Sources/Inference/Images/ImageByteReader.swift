/// Reads integers and slices out of bytes that nobody vouches for: what lies outside is nil, never a trap.
struct ImageByteReader {
    let isLittleEndian: Bool

    private let bytes: ArraySlice<UInt8>
    private var position: Int

    init(_ bytes: ArraySlice<UInt8>, isLittleEndian: Bool = false) {
        self.bytes = bytes
        self.isLittleEndian = isLittleEndian
        position = bytes.startIndex
    }

    /// Goes to a place counted from the first byte; one outside is the end.
    mutating func seek(to offset: Int) {
        position = (0...bytes.count).contains(offset) ? bytes.startIndex + offset : bytes.endIndex
    }

    /// Goes to the next place of a byte, or to the end.
    mutating func skip(to byte: UInt8) { position = bytes[position...].firstIndex(of: byte) ?? bytes.endIndex }

    /// The next bytes, or nil where there are not as many.
    mutating func slice(byteCount: Int) -> ArraySlice<UInt8>? {
        guard (0...(bytes.endIndex - position)).contains(byteCount) else { return nil }
        defer { position += byteCount }
        return bytes[position..<position + byteCount]
    }

    /// The next unsigned integer of at most four bytes, in the reader's order.
    mutating func integer(byteCount: Int) -> Int? {
        guard byteCount <= 4, position + byteCount <= bytes.endIndex else { return nil }
        var value = 0
        for index in 0..<byteCount {
            let byte = Int(bytes[position + index])
            value |= byte << (8 * (isLittleEndian ? index : byteCount - 1 - index))
        }
        position += byteCount
        return value
    }

    /// The bytes before the next zero, which is passed; nil where there is none.
    mutating func terminated() -> ArraySlice<UInt8>? {
        guard let end = bytes[position...].firstIndex(of: 0) else { return nil }
        defer { position = end + 1 }
        return bytes[position..<end]
    }

    /// All that is left.
    var rest: ArraySlice<UInt8> { bytes[position...] }
}
