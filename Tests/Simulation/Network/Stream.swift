/// A TCP connection between a client and the server, with the kernel's buffers at both ends.
///
/// Both sides write and read through ``SimulatedSystem``. Bytes take a while
/// to arrive and come in pieces; what the other side has not read fills a buffer of limited size.
final class Stream {
    let number: Int
    let address: String
    /// The server's descriptor, while it is open.
    var descriptor: Int32?
    /// The room for bytes that the server has not read. Units: bytes.
    let incomingCapacity: Int
    /// The room for bytes that the client has not read. Units: bytes.
    let outgoingCapacity: Int

    /// Bytes on their way to the server, and whether the end of the stream follows them.
    var onTheWay: [UInt8] = []
    var isEndOnTheWay = false
    /// Bytes that have arrived and that the server has not read.
    var incoming = ByteQueue()
    /// Whether the client has ended its stream, and the server's kernel knows.
    var hasIncomingEnded = false
    /// Bytes that the server has written and the client has not read.
    var outgoing = ByteQueue()
    /// Whether the server has ended its stream.
    var hasOutgoingEnded = false
    /// Whether the client's kernel has reset the connection.
    var isReset = false
    /// Whether the server has closed its descriptor.
    var isClosedByServer = false
    /// Whether the client was told of a reset: bytes came for a socket that was closed.
    var isResetByServer = false
    /// Whether the server may end the connection without an answer: a fault was injected.
    var hasFault = false
    /// The status of the last answer that the server has begun to write.
    private(set) var lastStatus = 0
    /// Whether the kernel has thrown away part of an answer, since bytes came for the closed socket.
    var hasLostAnswer = false

    /// How many bytes have arrived at the server's kernel since the beginning.
    private(set) var arrivedCount = 0
    /// How many bytes the server has read.
    var readCount = 0
    /// When the server last read something. Units: nanoseconds.
    var lastRead = 0 { didSet { hasWritten = false } }
    /// When the server first wrote something after that. Units: nanoseconds.
    private(set) var firstWrite = 0
    private var hasWritten = false
    /// Called soon after something has changed that the client can see.
    var onChange: () -> Void = {}
    /// Whether such a call is on its way.
    var isChangeNoted = false

    init(number: Int, address: String, incomingCapacity: Int, outgoingCapacity: Int) {
        self.number = number
        self.address = address
        self.incomingCapacity = incomingCapacity
        self.outgoingCapacity = outgoingCapacity
    }

    /// The server has written something.
    func noteWrite(_ bytes: UnsafeRawBufferPointer, at time: Int) {
        if !hasWritten { firstWrite = time }
        if bytes.count > 12, bytes.starts(with: "HTTP/1.1 ".utf8) {
            lastStatus = bytes[9..<12].reduce(0) { $0 * 10 + Int($1 & 15) }
        }
        hasWritten = true
    }

    /// Bytes arrive at the server's kernel, as many as fit.
    ///
    /// - Returns: whether anything has changed.
    func arrive(atMost limit: Int) -> Bool {
        guard !isReset, !isClosedByServer else { return false }
        let count = min(limit, onTheWay.count, incomingCapacity - incoming.count)
        if count > 0 {
            onTheWay.withUnsafeBytes { incoming.append(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            arrivedCount += count
            onTheWay.removeFirst(count)
        }
        let ends = onTheWay.isEmpty && isEndOnTheWay && !hasIncomingEnded
        if ends { hasIncomingEnded = true }
        return count > 0 || ends
    }
}

/// Bytes in the order in which they came.
struct ByteQueue {
    private var bytes: [UInt8] = []
    private var start = 0

    var count: Int { bytes.count - start }
    var isEmpty: Bool { count == 0 }

    mutating func append(_ new: UnsafeRawBufferPointer) {
        if start == bytes.count {
            bytes.removeAll(keepingCapacity: true)
            start = 0
        } else if start > 1 << 16 {
            bytes.removeFirst(start)
            start = 0
        }
        bytes.append(contentsOf: new)
    }

    /// Copies the first bytes to a buffer, as many as fit into both, and removes them.
    mutating func read(into buffer: UnsafeMutableRawBufferPointer, atMost limit: Int) -> Int {
        let count = min(limit, count, buffer.count)
        bytes.withUnsafeBytes { buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[start..<start + count])) }
        start += count
        return count
    }

    /// Removes and returns the first bytes.
    mutating func take(atMost limit: Int) -> [UInt8] {
        let count = min(limit, count)
        defer { start += count }
        return Array(bytes[start..<start + count])
    }

    mutating func removeAll() {
        bytes = []
        start = 0
    }
}
