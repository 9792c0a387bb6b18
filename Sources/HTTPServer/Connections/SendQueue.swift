/// The bytes that a connection has yet to send, in pieces of which only small ones are copied together.
struct SendQueue {
    private var pieces: [[UInt8]] = []
    private var offset = 0

    /// Whether everything has been sent.
    var isEmpty: Bool { pieces.isEmpty }

    /// Up to this size a copy costs less than a system call. Units: bytes.
    static let smallPiece = 16 * 1024

    /// Puts bytes at the end.
    mutating func append(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        if let last = pieces.indices.last, pieces[last].count + bytes.count <= Self.smallPiece {
            pieces[last] += bytes
        } else {
            pieces.append(bytes)
        }
    }

    /// Sends as much as the socket takes.
    /// - Returns: how many bytes went out, and `.wouldBlock` or `.failed` if not all of them did.
    mutating func flush(to descriptor: Int32) -> (byteCount: Int, stop: Socket.Outcome?) {
        var byteCount = 0
        while let piece = pieces.first {
            let outcome = piece.withUnsafeBytes { bytes in
                Socket.write(
                    descriptor, UnsafeRawBufferPointer(rebasing: bytes[offset...]), more: pieces.count > 1)
            }
            guard case .bytes(let sent) = outcome else { return (byteCount, outcome) }
            byteCount += sent
            offset += sent
            if offset == piece.count {
                pieces.removeFirst()
                offset = 0
            }
        }
        return (byteCount, nil)
    }
}
