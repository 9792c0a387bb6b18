/// Collects a body's content in one array.
///
/// Memory grows in steps, never to more than a few times what has arrived: a Content-Length is a promise, not a fact.
/// Every step is reserved from the budget of all bodies before it is allocated.
struct BodyBytes {
    /// What has arrived so far.
    private(set) var array: [UInt8] = []
    /// How much is allocated, and reserved from the budget. Units: bytes.
    private(set) var capacity = 0
    private let pool: BodyPool
    private let reservation: BodyReservation

    /// Once this much is allocated, the next step allocates everything that was announced. So no more than this is ever
    /// copied at once on the event loop's thread. Units: bytes.
    static let wholeAnnouncement = 8 << 20

    init(pool: BodyPool, reservation: BodyReservation) {
        self.pool = pool
        self.reservation = reservation
    }

    /// The next capacity for `count` bytes of content: 128 KiB, then four times the capacity whenever it is full, but
    /// no more than was announced. If nothing was announced, the capacity doubles.
    static func capacity(_ count: Int, had: Int, announced: Int?) -> Int {
        guard let announced else { return max(count, had * 2) }
        let next = had >= wholeAnnouncement ? announced : max(BodyPool.smallest, had * 4)
        return max(count, min(next, announced))
    }

    /// Appends the next bytes.
    ///
    /// - Parameter announced: how many bytes will arrive in all, if that was announced.
    /// - Throws: ``RequestError/tooManyBodies(limit:isShare:)``
    mutating func append(_ bytes: UnsafeRawBufferPointer, announced: Int?) throws(RequestError) {
        let needed = array.count + bytes.count
        if needed > capacity {
            let wanted = Self.capacity(needed, had: capacity, announced: announced)
            try grow(to: wanted, orAtLeast: needed)
        }
        array.append(contentsOf: bytes.bindMemory(to: UInt8.self))
    }

    /// Calls `read` with the array's spare capacity.
    ///
    /// - Returns: the outcome, and how many bytes there was room for; nil if there is no spare capacity.
    mutating func receive(
        upTo limit: Int, read: (UnsafeMutableRawBufferPointer) -> Socket.Outcome
    ) -> (outcome: Socket.Outcome, room: Int)? {
        // Swift 6.3 can lend out an array's spare capacity. Before that, content goes through the connection's buffer.
        #if compiler(>=6.3)
            let room = min(limit, capacity - array.count)
            guard room > 0 else { return nil }
            var outcome = Socket.Outcome.wouldBlock
            array.append(addingCapacity: room) { span in
                span.withUnsafeMutableBufferPointer { bytes, count in
                    outcome = read(
                        UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(bytes)[..<room]))
                    if case .bytes(let received) = outcome { count = received }
                }
            }
            return (outcome, room)
        #else
            return nil
        #endif
    }

    private mutating func grow(to wanted: Int, orAtLeast needed: Int) throws(RequestError) {
        capacity = try reservation.grow(to: wanted, orAtLeast: needed)
        guard capacity >= BodyPool.smallest else { return array.reserveCapacity(capacity) }
        var larger = pool.array(minimumCapacity: capacity)
        // A pooled array may be far larger than needed: the excess counts against the budget, too.
        if larger.capacity / 2 > capacity {
            if let paid = try? reservation.grow(to: larger.capacity, orAtLeast: capacity), paid >= larger.capacity {
                capacity = paid
            } else {
                pool.keep(larger)
                larger = []
                larger.reserveCapacity(capacity)
            }
        }
        larger.append(contentsOf: array)
        swap(&array, &larger)
        pool.keep(larger)
    }
}

/// Collects the content of a request in one array as it arrives, and parses the parts of a form in place.
struct BodySink {
    /// How many bytes will arrive in all, if that is known.
    let announced: Int?
    /// What has arrived so far.
    var content: [UInt8] { bytes.array }

    private var bytes: BodyBytes
    private var form: MultipartParser?

    /// The sink for a request with this head. It takes content whose coding has been removed.
    ///
    /// - Parameters:
    ///   - isCoded: whether the body has a content coding, which is removed before.
    ///   - reservation: the memory that the content may take.
    /// - Throws: ``RequestError/multipart(_:)`` if the boundary is missing or malformed.
    init(
        _ head: RequestHead, isCoded: Bool, limits: MultipartParser.Limits, pool: BodyPool, reservation: BodyReservation
    ) throws(RequestError) {
        bytes = BodyBytes(pool: pool, reservation: reservation)
        // The announced length of coded content is that of the coded bytes.
        if case .fixed(let count) = head.framing, !isCoded { announced = count } else { announced = nil }
        do throws(MultipartError) {
            form = try MultipartParser(contentType: head.contentType, limits: limits)
        } catch {
            throw .multipart(error)
        }
    }

    /// Appends the next bytes, and parses them.
    mutating func append(_ next: UnsafeRawBufferPointer) throws(RequestError) {
        try bytes.append(next, announced: announced)
        try parse()
    }

    /// Calls `read` with the array's spare capacity, so that nothing has to be copied. Call ``parse()`` afterwards.
    ///
    /// - Returns: the outcome, and how many bytes there was room for; nil if there is no spare capacity, or the length
    ///   of the content is unknown.
    mutating func receive(
        upTo limit: Int, read: (UnsafeMutableRawBufferPointer) -> Socket.Outcome
    ) -> (outcome: Socket.Outcome, room: Int)? {
        announced == nil ? nil : bytes.receive(upTo: limit, read: read)
    }

    /// Parses what has arrived, if it is a form.
    ///
    /// - Throws: ``RequestError/multipart(_:)``
    mutating func parse() throws(RequestError) {
        guard var parser = form.take() else { return }
        do throws(MultipartError) {
            try bytes.array.withUnsafeBufferPointer { body throws(MultipartError) in
                try parser.read(UnsafeRawBufferPointer(body))
            }
        } catch {
            throw .multipart(error)
        }
        form = parser
    }

    /// The content, which is now complete.
    ///
    /// - Throws: ``RequestError/multipart(_:)``
    consuming func finish() throws(RequestError) -> RequestBody {
        guard let form else { return .bytes(content) }
        do throws(MultipartError) {
            return .multipart(try form.parts(of: content))
        } catch {
            throw .multipart(error)
        }
    }
}
