/// Reads little-endian numbers from a region, and never past its end.
///
/// `Failure` is the error type of the file's format: a parser of the format throws only that.
package struct ByteReader<Failure: ByteReadFailure> {
    private let region: ByteRegion
    private let what: String
    /// The next byte to read, counted from the region's start.
    package private(set) var offset = 0

    /// - Parameter what: the region's name in errors.
    package init(_ region: ByteRegion, what: String) {
        self.region = region
        self.what = what
    }

    /// The size of the whole region. Units: bytes.
    package var byteCount: Int { region.count }

    /// How much has not been read. Units: bytes.
    package var remainingByteCount: Int { region.count - offset }

    /// Reads the next bytes as a region.
    ///
    /// - Throws: ``ByteReadError/truncated(what:offset:needed:available:)`` when fewer bytes remain.
    package mutating func region(byteCount: Int) throws(Failure) -> ByteRegion {
        guard let part = region.part(from: offset, count: byteCount) else {
            throw Failure(
                .truncated(what: what, offset: offset, needed: byteCount, available: remainingByteCount))
        }
        offset += byteCount
        return part
    }

    /// The next number, least significant byte first.
    package mutating func number<T: FixedWidthInteger>(_ type: T.Type = T.self) throws(Failure) -> T {
        let part = try region(byteCount: MemoryLayout<T>.size)
        return T(littleEndian: part.withUnsafeBytes { $0.loadUnaligned(as: T.self) })
    }

    /// The bytes up to the next line feed, which is skipped.
    ///
    /// - Throws: ``ByteReadError/lineTooLong(what:found:limit:)``
    package mutating func line(maxByteCount: Int) throws(Failure) -> ByteRegion {
        let start = offset
        let rest = try region(byteCount: min(remainingByteCount, maxByteCount + 1))
        offset = start
        guard let length = rest.withUnsafeBytes({ $0.firstIndex(of: UInt8(ascii: "\n")) }) else {
            if rest.count > maxByteCount {
                throw Failure(.lineTooLong(what: what, found: rest.count, limit: maxByteCount))
            }
            throw Failure(
                .truncated(what: what, offset: start, needed: rest.count + 1, available: rest.count))
        }
        let line = try region(byteCount: length)
        offset += 1
        return line
    }
}

/// Why bytes could not be read.
package enum ByteReadError: Error, Equatable, Sendable {
    /// At `offset` of the region `what`, fewer bytes are available than are needed. Units: bytes.
    case truncated(what: String, offset: Int, needed: Int, available: Int)
    /// A line of the region `what` is longer than the limit. Units: bytes.
    case lineTooLong(what: String, found: Int, limit: Int)
}

/// An error that can say what was wrong with the bytes.
package protocol ByteReadFailure: Error {
    init(_ error: ByteReadError)
}

/// A range of a buffer, which keeps that buffer alive.
package struct ByteRegion: Sendable {
    /// The buffer that the region is a part of.
    package let buffer: AlignedBuffer
    /// The region's place in the buffer. Units: bytes.
    package let range: Range<Int>

    /// The whole of a buffer.
    package init(_ buffer: AlignedBuffer) {
        self.buffer = buffer
        range = 0..<buffer.bytes.count
    }

    private init(buffer: AlignedBuffer, range: Range<Int>) {
        self.buffer = buffer
        self.range = range
    }

    /// The size of the region. Units: bytes.
    package var count: Int { range.count }

    /// A part of the region; nil if it does not lie within.
    package func part(from offset: Int, count: Int) -> ByteRegion? {
        guard offset >= 0, count >= 0, offset <= self.count, count <= self.count - offset else { return nil }
        let start = range.lowerBound + offset
        return ByteRegion(buffer: buffer, range: start..<start + count)
    }

    /// Passes the bytes to `body`. They are valid during the call only.
    package func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try withExtendedLifetime(buffer) { () throws(E) -> R in
            try body(UnsafeRawBufferPointer(rebasing: buffer.bytes[range]))
        }
    }

    /// The bytes as text; nil if they are not UTF-8.
    package var text: String? { withUnsafeBytes { String(validating: $0, as: UTF8.self) } }
}

/// Encodes numbers for a file, least significant byte first.
package struct LittleEndianBytes {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    /// Appends numbers in their own widths.
    package mutating func append<each T: FixedWidthInteger>(_ numbers: repeat each T) {
        for number in repeat each numbers {
            withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
        }
    }

    /// Appends bytes as they are.
    package mutating func append(contentsOf other: some Sequence<UInt8>) { bytes.append(contentsOf: other) }
}
