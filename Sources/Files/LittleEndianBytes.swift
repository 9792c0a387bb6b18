/// Numbers on their way to a file, least significant byte first.
struct LittleEndianBytes {
    private(set) var bytes: [UInt8] = []

    /// Adds numbers in their own widths.
    mutating func append<each T: FixedWidthInteger>(_ numbers: repeat each T) {
        for number in repeat each numbers {
            withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
        }
    }

    /// Adds bytes as they are.
    mutating func append(contentsOf other: some Sequence<UInt8>) { bytes.append(contentsOf: other) }
}
