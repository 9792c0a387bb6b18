import CZlib

/// Inflates a deflate stream into memory of a fixed size, which nothing in the stream can make grow.
///
/// - Source: RFC 1951, RFC 1952
package enum Inflater {
    /// The framing around the deflate stream. Raw values are zlib's window bits.
    package enum Wrapping: Int32 {
        /// Nothing, as in a zip archive.
        case none = -15
        /// A gzip file's header and checksum.
        case gzip = 31
    }

    /// How far the inflation went.
    package struct Outcome: Equatable {
        /// The input that was used. Units: bytes.
        package var consumed = 0
        /// The output that was written. Units: bytes.
        package var produced = 0
        /// Whether the stream ended, with a correct checksum if it has one.
        package var isEnded = false
    }

    /// zlib counts in 32 bits, so data is passed in chunks. Units: bytes.
    private static let chunkByteCount = 1 << 30

    /// Inflates until the stream ends, is found to be corrupt, or has used up the input or the output.
    package static func inflate(
        _ input: UnsafeRawBufferPointer, _ wrapping: Wrapping, into output: UnsafeMutableRawBufferPointer
    ) -> Outcome {
        // zlib compares the stream's address from call to call, so it must not move.
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        defer { stream.deallocate() }
        var outcome = Outcome()
        guard inflateInit2_(stream, wrapping.rawValue, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            return outcome
        }
        defer { inflateEnd(stream) }
        var status = Z_OK
        while status == Z_OK {
            let source = UnsafeRawBufferPointer(rebasing: input[outcome.consumed...].prefix(chunkByteCount))
            let target = UnsafeMutableRawBufferPointer(rebasing: output[outcome.produced...].prefix(chunkByteCount))
            stream.pointee.next_in = UnsafeMutablePointer(
                mutating: source.baseAddress?.assumingMemoryBound(to: UInt8.self))
            stream.pointee.avail_in = UInt32(source.count)
            stream.pointee.next_out = target.baseAddress?.assumingMemoryBound(to: UInt8.self)
            stream.pointee.avail_out = UInt32(target.count)
            status = CZlib.inflate(stream, Z_NO_FLUSH)
            outcome.consumed += source.count - Int(stream.pointee.avail_in)
            outcome.produced += target.count - Int(stream.pointee.avail_out)
        }
        outcome.isEnded = status == Z_STREAM_END
        return outcome
    }
}
