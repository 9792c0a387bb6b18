import CZlib

/// Inflates a raw deflate stream into memory of exactly the declared size.
///
/// - Source: RFC 1951
enum Inflater {
    /// zlib counts in 32 bits.
    private static let chunkByteCount = 1 << 30

    /// - Throws: ``CheckpointError`` when the stream is corrupt, or inflates to more or less than declared.
    static func inflate(_ record: ZipRecord) throws(CheckpointError) -> ByteRegion {
        // zlib compares the stream's address from call to call, so it must not move.
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        defer { stream.deallocate() }
        guard inflateInit2_(stream, -MAX_WBITS, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw .invalidCompression(record: record.name, offset: 0)
        }
        defer { inflateEnd(stream) }

        // One byte more than declared tells a stream that goes on from one that ends where it should.
        let output = AlignedBuffer(byteCount: record.byteCount + 1)
        let counts = record.data.withUnsafeBytes { input in
            var (consumed, produced, status) = (0, 0, Z_OK)
            while status == Z_OK {
                let source = UnsafeRawBufferPointer(rebasing: input[consumed...].prefix(chunkByteCount))
                let target = UnsafeMutableRawBufferPointer(rebasing: output.bytes[produced...].prefix(chunkByteCount))
                stream.pointee.next_in = UnsafeMutablePointer(
                    mutating: source.baseAddress?.assumingMemoryBound(to: UInt8.self))
                stream.pointee.avail_in = UInt32(source.count)
                stream.pointee.next_out = target.baseAddress?.assumingMemoryBound(to: UInt8.self)
                stream.pointee.avail_out = UInt32(target.count)
                status = CZlib.inflate(stream, Z_NO_FLUSH)
                consumed += source.count - Int(stream.pointee.avail_in)
                produced += target.count - Int(stream.pointee.avail_out)
            }
            return (consumed: consumed, produced: produced, ended: status == Z_STREAM_END)
        }
        guard counts.produced <= record.byteCount else {
            throw .inflatedSizeMismatch(record: record.name, found: counts.produced, expected: record.byteCount)
        }
        guard counts.ended, counts.consumed == record.data.count else {
            throw .invalidCompression(record: record.name, offset: counts.consumed)
        }
        guard
            counts.produced == record.byteCount,
            let bytes = ByteRegion(output).part(from: 0, count: record.byteCount)
        else { throw .inflatedSizeMismatch(record: record.name, found: counts.produced, expected: record.byteCount) }
        return bytes
    }
}
