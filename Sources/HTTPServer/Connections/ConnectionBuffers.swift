/// The bytes that a connection has received and not yet parsed.
///
/// One block of memory. It grows up to a limit as long as reads fill it, so that a large body takes few system calls,
/// and is freed when the connection is idle, so that a thousand idle connections cost next to nothing.
struct ReceiveBuffer: ~Copyable {
    /// The size of the first block: enough for the head of an ordinary request. Units: bytes.
    static let initialCapacity = 8 * 1024

    private let maxCapacity: Int
    private var storage = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private var start = 0
    private var end = 0
    /// Whether the last read filled the block: more bytes are then likely to wait.
    private var wasFilled = false

    /// An empty buffer that never holds more than `maxCapacity` bytes.
    init(maxCapacity: Int) {
        self.maxCapacity = maxCapacity
    }

    deinit {
        storage.deallocate()
    }

    /// How many bytes are unread.
    var count: Int { end - start }

    /// The unread bytes; valid until the buffer is next changed.
    var unread: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(storage)[start..<end])
    }

    /// The free space after the unread bytes, at least one byte; nil if the buffer is full. Growing doubles the block.
    ///
    /// - Parameter expected: how many bytes were announced: the block grows to hold them at once, if its limit allows
    ///   it.
    mutating func room(expecting expected: Int = 0) -> UnsafeMutableRawBufferPointer? {
        if end == storage.count {
            if start > 0 && count <= storage.count / 2 {
                compact()
            } else if storage.count < maxCapacity {
                grow(expecting: expected)
            } else if start > 0 {
                compact()
            } else {
                return nil
            }
        } else if wasFilled, storage.count < maxCapacity {
            grow(expecting: expected)
        }
        wasFilled = false
        return UnsafeMutableRawBufferPointer(rebasing: storage[end...])
    }

    /// Adds `byteCount` bytes that were written into the room.
    mutating func append(_ byteCount: Int) {
        precondition(byteCount <= storage.count - end, "\(byteCount) bytes do not fit into \(storage.count - end)")
        end += byteCount
        wasFilled = end == storage.count
    }

    /// Drops bytes at the front.
    mutating func consume(_ byteCount: Int) {
        precondition(byteCount <= count, "\(byteCount) bytes are more than the \(count) unread")
        start += byteCount
        if start == end {
            start = 0
            end = 0
        }
    }

    /// Frees the memory if nothing is unread.
    mutating func releaseIfEmpty() {
        guard count == 0 else { return }
        storage.deallocate()
        storage = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    }

    private mutating func compact() {
        UnsafeMutableRawBufferPointer(rebasing: storage[0..<count])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(storage)[start..<end]))
        end -= start
        start = 0
    }

    private mutating func grow(expecting expected: Int) {
        let wanted = max(
            Self.initialCapacity, storage.count * 2, expected < maxCapacity ? count + expected : maxCapacity)
        let capacity = min(maxCapacity, wanted)
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 16)
        larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(storage)[start..<end]))
        storage.deallocate()
        storage = larger
        end -= start
        start = 0
    }
}

/// The bytes that a connection has to send: a list of arrays, of which only small ones are joined by copying.
struct SendQueue {
    private var pieces: [[UInt8]] = []
    private var offset = 0

    /// Whether everything has been sent.
    var isEmpty: Bool { pieces.isEmpty }

    /// Up to this size copying is cheaper than a system call. Units: bytes.
    static let smallPiece = 16 * 1024

    /// Appends bytes.
    mutating func append(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        if let last = pieces.indices.last, pieces[last].count + bytes.count <= Self.smallPiece {
            pieces[last] += bytes
        } else {
            pieces.append(bytes)
        }
    }

    /// Sends as much as the kernel takes.
    ///
    /// - Returns: how many bytes were sent, and `.wouldBlock` or `.failed` if not all of them were.
    mutating func flush(to descriptor: Int32, of system: any ServerSystem) -> (byteCount: Int, stop: Socket.Outcome?) {
        var byteCount = 0
        while let piece = pieces.first {
            let outcome = piece.withUnsafeBytes { bytes in
                system.write(
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
