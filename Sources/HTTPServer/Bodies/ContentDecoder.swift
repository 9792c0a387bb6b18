import CZlib

/// Removes a content coding from a body as it arrives; does no I/O.
///
/// Strategy: inflated bytes are passed on in pieces of a fixed size and counted, so that a small body that inflates
/// without end (a decompression bomb) is refused at the limit and takes no memory beyond it.
///
/// Memory: zlib's window and one piece, 76 KiB together.
/// - Source: RFC 9110 §8.4.1; RFC 1950; RFC 1952 §2.2 (members)
final class ContentDecoder: @unchecked Sendable {  // guard: touched on its connection's loop only
    private enum State {
        /// No byte has arrived.
        case start
        /// In a stream.
        case inside
        /// After a stream's last byte.
        case ended
    }

    /// How much is inflated at once. Units: bytes.
    private static let pieceByteCount = 32 * 1024

    private let coding: ContentCoding
    private let maxByteCount: Int
    /// zlib checks the stream's address from call to call, so it must not move.
    private let stream: UnsafeMutablePointer<z_stream>
    private let piece: UnsafeMutableRawBufferPointer
    private var state = State.start
    private var byteCount = 0
    /// Whether at least one gzip member is complete, so that the next bytes belong to a further one.
    private var isFurtherMember = false

    /// A decoder for a body that inflates to at most `maxByteCount` bytes.
    ///
    /// - Throws: ``RequestError/outOfMemory`` if zlib finds no memory.
    init(_ coding: ContentCoding, maxByteCount: Int) throws(RequestError) {
        self.coding = coding
        self.maxByteCount = maxByteCount
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        piece = .allocate(byteCount: Self.pieceByteCount, alignment: 16)
        // 15 is the largest window; adding 16 makes zlib expect gzip's header instead of its own.
        let windowBits: Int32 = coding == .gzip ? 15 + 16 : 15
        let status = inflateInit2_(stream, windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else { throw .outOfMemory }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
        piece.deallocate()
    }

    /// Inflates the next bytes of the body; `consume` gets the result piece by piece.
    ///
    /// - Throws: ``RequestError/bodyTooLong(limit:)``, ``RequestError/contentDamaged(coding:)``,
    ///   ``RequestError/contentTrailing(coding:)``, and what `consume` throws.
    func push(
        _ bytes: UnsafeRawBufferPointer,
        to consume: (UnsafeRawBufferPointer) throws(RequestError) -> Void
    ) throws(RequestError) {
        guard !bytes.isEmpty else { return }
        stream.pointee.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
        stream.pointee.avail_in = UInt32(bytes.count)
        // The caller's bytes are not valid after the return.
        defer { stream.pointee.next_in = nil }
        while true {
            if state == .ended {
                guard stream.pointee.avail_in > 0 else { return }
                // A gzip file may hold several members (RFC 1952 §2.2); a zlib stream ends once.
                guard coding == .gzip, inflateReset(stream) == Z_OK else { throw .contentTrailing(coding: coding) }
                isFurtherMember = true
            }
            state = .inside
            let isPieceFull = try inflateOnce(consume)
            if state == .inside, stream.pointee.avail_in == 0, !isPieceFull { return }
        }
    }

    /// Checks that the body ends where its coding does; an empty body needs no stream.
    ///
    /// - Throws: ``RequestError/contentTruncated(coding:)``
    func finish() throws(RequestError) {
        guard state == .inside else { return }
        throw isTrailing ? .contentTrailing(coding: coding) : .contentTruncated(coding: coding)
    }

    /// Whether the bytes after a whole member have produced nothing: they are then more likely trailing bytes than a
    /// member.
    private var isTrailing: Bool { isFurtherMember && stream.pointee.total_out == 0 }

    /// Inflates one piece.
    ///
    /// - Returns: whether the piece is full, so that there may be more without further input.
    private func inflateOnce(
        _ consume: (UnsafeRawBufferPointer) throws(RequestError) -> Void
    ) throws(RequestError) -> Bool {
        stream.pointee.next_out = piece.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(piece.count)
        let status = inflate(stream, Z_NO_FLUSH)
        let produced = piece.count - Int(stream.pointee.avail_out)
        if produced > 0 {
            guard produced <= maxByteCount - byteCount else { throw .bodyTooLong(limit: maxByteCount) }
            byteCount += produced
            try consume(UnsafeRawBufferPointer(rebasing: piece[..<produced]))
        }
        switch status {
        case Z_STREAM_END: state = .ended
        // Z_BUF_ERROR: zlib needs more input.
        case Z_OK, Z_BUF_ERROR: break
        case Z_MEM_ERROR: throw .outOfMemory
        default: throw isTrailing ? .contentTrailing(coding: coding) : .contentDamaged(coding: coding)
        }
        return produced == piece.count
    }
}

/// A content coding that a request's body may have.
///
/// - Source: RFC 9110 §8.4.1
enum ContentCoding: Sendable, Equatable {
    /// A gzip file (RFC 1952), of one member or several.
    case gzip
    /// A zlib stream (RFC 1950), which is what HTTP calls `deflate`.
    case deflate

    /// The value of Accept-Encoding in an answer that refuses another coding.
    static let accepted = "gzip, deflate"

    /// What the bytes must be, as the end of an error's sentence.
    var form: String {
        switch self {
        case .gzip: "gzip is what gzip(1) writes (RFC 1952)"
        case .deflate: "in HTTP deflate means a zlib stream (RFC 1950), with its two bytes of header and its checksum"
        }
    }

    /// The coding that the elements of `Content-Encoding` name, or nil if they leave the content as it is.
    ///
    /// - Throws: ``RequestError/contentCoding(found:)`` for an unknown coding, and for several: each layer would
    ///   multiply what a few bytes can inflate to.
    static func of(_ names: [String]) throws(RequestError) -> ContentCoding? {
        // "identity" means no coding (RFC 9110 §12.5.3).
        let names = names.filter { $0 != "identity" }
        guard let name = names.first else { return nil }
        guard names.count == 1 else { throw .contentCoding(found: Excerpt.of(names.joined(separator: ", "))) }
        switch name {
        case "gzip", "x-gzip": return .gzip
        case "deflate": return .deflate
        default: throw .contentCoding(found: Excerpt.of(name))
        }
    }
}
