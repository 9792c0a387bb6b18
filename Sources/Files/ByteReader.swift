/// Reads little-endian numbers from a region, and never past its end.
struct ByteCursor {
    private let region: ByteRegion
    private let what: String
    /// The next byte to read, counted from the region's start.
    private(set) var offset = 0

    /// - Parameter what: the region's name in errors.
    init(_ region: ByteRegion, what: String) {
        self.region = region
        self.what = what
    }

    /// Of the whole region. Units: bytes.
    var byteCount: Int { region.count }

    /// Units: bytes.
    var remainingByteCount: Int { region.count - offset }

    /// - Throws: ``CheckpointError/truncated(what:offset:needed:available:)`` when fewer bytes remain.
    mutating func region(byteCount: Int) throws(CheckpointError) -> ByteRegion {
        guard let part = region.part(from: offset, count: byteCount) else {
            throw .truncated(what: what, offset: offset, needed: byteCount, available: remainingByteCount)
        }
        offset += byteCount
        return part
    }

    /// The next number, least significant byte first.
    mutating func number<T: FixedWidthInteger>(_ type: T.Type = T.self) throws(CheckpointError) -> T {
        let part = try region(byteCount: MemoryLayout<T>.size)
        return T(littleEndian: part.withUnsafeBytes { $0.loadUnaligned(as: T.self) })
    }

    /// The bytes up to the next line feed, which is passed over.
    ///
    /// - Throws: ``CheckpointError/limitExceeded(what:found:limit:)`` where the line is longer than it may be.
    mutating func line(maxByteCount: Int) throws(CheckpointError) -> ByteRegion {
        let start = offset
        let rest = try region(byteCount: min(remainingByteCount, maxByteCount + 1))
        offset = start
        guard let length = rest.withUnsafeBytes({ $0.firstIndex(of: UInt8(ascii: "\n")) }) else {
            if rest.count > maxByteCount {
                throw .limitExceeded(what: "bytes in a line of \(what)", found: rest.count, limit: maxByteCount)
            }
            throw .truncated(what: what, offset: start, needed: rest.count + 1, available: rest.count)
        }
        let line = try region(byteCount: length)
        offset += 1
        return line
    }
}

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
