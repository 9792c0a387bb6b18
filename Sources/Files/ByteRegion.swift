/// A range of a buffer, which keeps that buffer alive.
struct ByteRegion: Sendable {
    let buffer: AlignedBuffer
    /// Where the region lies in the buffer.
    let range: Range<Int>

    /// The whole of a buffer.
    init(_ buffer: AlignedBuffer) {
        self.buffer = buffer
        range = 0..<buffer.bytes.count
    }

    private init(buffer: AlignedBuffer, range: Range<Int>) {
        self.buffer = buffer
        self.range = range
    }

    /// Units: bytes.
    var count: Int { range.count }

    /// A part of the region, or nil where it does not lie within.
    func part(from offset: Int, count: Int) -> ByteRegion? {
        guard offset >= 0, count >= 0, offset <= self.count, count <= self.count - offset else { return nil }
        let start = range.lowerBound + offset
        return ByteRegion(buffer: buffer, range: start..<start + count)
    }

    /// Lends the bytes for the duration of a call.
    func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try withExtendedLifetime(buffer) { () throws(E) -> R in
            try body(UnsafeRawBufferPointer(rebasing: buffer.bytes[range]))
        }
    }

    /// The bytes as text, or nil where they are not UTF-8.
    var text: String? { withUnsafeBytes { String(validating: $0, as: UTF8.self) } }
}
