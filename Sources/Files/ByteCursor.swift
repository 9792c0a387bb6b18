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
