/// Content on its way into one array.
///
/// Memory is set aside in steps, never more than a few times what has come: an announcement is a promise, not a fact. Every step
/// is taken from the budget of all bodies before it is allocated.
struct BodyBytes {
    /// What has come so far.
    private(set) var array: [UInt8] = []
    /// How much room is set aside and paid for. Units: bytes.
    private(set) var capacity = 0
    private let pool: BodyPool
    private let reservation: BodyReservation

    /// From this much on all of what was announced is set aside, so that no more than this is ever copied at once on the thread
    /// that answers everybody. Units: bytes.
    static let wholeAnnouncement = 8 << 20

    init(pool: BodyPool, reservation: BodyReservation) {
        self.pool = pool
        self.reservation = reservation
    }

    /// How much room is set aside next for content of which `count` bytes have come, no more than was announced:
    /// 128 KiB, and four times as much whenever that is full; twice as much where nothing was announced.
    static func capacity(_ count: Int, had: Int, announced: Int?) -> Int {
        guard let announced else { return max(count, had * 2) }
        let next = had >= wholeAnnouncement ? announced : max(BodyPool.smallest, had * 4)
        return max(count, min(next, announced))
    }

    /// Takes the next bytes.
    ///
    /// - Parameter announced: how many will come in all, if that was said.
    /// - Throws: ``RequestError/tooManyBodies(limit:isShare:)``
    mutating func append(_ bytes: UnsafeRawBufferPointer, announced: Int?) throws(RequestError) {
        let needed = array.count + bytes.count
        if needed > capacity {
            let wanted = Self.capacity(needed, had: capacity, announced: announced)
            try grow(to: wanted, orAtLeast: needed)
        }
        array.append(contentsOf: bytes.bindMemory(to: UInt8.self))
    }

    /// Has the next bytes read into the room that there is; nil where there is none.
    mutating func receive(
        upTo limit: Int, read: (UnsafeMutableRawBufferPointer) -> Socket.Outcome
    ) -> (outcome: Socket.Outcome, room: Int)? {
        // An array's spare room can be lent out since Swift 6.3; before, all goes through the connection's buffer.
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
        // A kept array may be larger, which counts, too.
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

/// Where the content of a request goes while it arrives: into one array, in which a form's parts are found as they come.
struct BodySink {
    /// How many bytes are to come in all, if that is known.
    let announced: Int?
    /// What has come so far.
    var content: [UInt8] { bytes.array }

    private var bytes: BodyBytes
    private var form: MultipartParser?

    /// The sink for a request with this head, behind whatever takes its content coding off.
    ///
    /// - Parameter reservation: pays for the memory.
    init(
        _ head: RequestHead, isCoded: Bool, limits: MultipartParser.Limits, pool: BodyPool, reservation: BodyReservation
    ) throws(RequestError) {
        bytes = BodyBytes(pool: pool, reservation: reservation)
        // Of coded content only the coded length has been announced.
        if case .fixed(let count) = head.framing, !isCoded { announced = count } else { announced = nil }
        do throws(MultipartError) {
            form = try MultipartParser(contentType: head.contentType, limits: limits)
        } catch {
            throw .multipart(error)
        }
    }

    /// Takes the next bytes.
    mutating func append(_ next: UnsafeRawBufferPointer) throws(RequestError) {
        try bytes.append(next, announced: announced)
        try look()
    }

    /// Has the next bytes read to where they stay; nil where there is no room for them.
    ///
    /// ``look()`` comes behind it.
    mutating func receive(
        upTo limit: Int, read: (UnsafeMutableRawBufferPointer) -> Socket.Outcome
    ) -> (outcome: Socket.Outcome, room: Int)? {
        announced == nil ? nil : bytes.receive(upTo: limit, read: read)
    }

    /// Looks at what has come.
    mutating func look() throws(RequestError) {
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

    /// The content, which is now whole.
    consuming func finish() throws(RequestError) -> RequestBody {
        guard let form else { return .bytes(content) }
        do throws(MultipartError) {
            return .multipart(try form.parts(of: content))
        } catch {
            throw .multipart(error)
        }
    }
}
