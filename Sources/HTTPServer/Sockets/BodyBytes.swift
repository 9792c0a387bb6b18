/// Content on its way into one array.
struct BodyBytes {
    /// What has come so far.
    private(set) var array: [UInt8] = []
    private let pool: BodyPool

    init(pool: BodyPool) { self.pool = pool }

    /// How much memory content takes once `count` bytes have come: all that was announced, if more than a little has come.
    /// An announcement is a promise, not a fact, and the memory is there for all.
    static func allowance(_ count: Int, announced: Int?) -> Int {
        count <= BodyPool.smallest ? count : max(count, announced ?? 0)
    }

    /// Takes the next bytes.
    ///
    /// - Parameter announced: how many will come in all, if that was said.
    mutating func append(_ bytes: UnsafeRawBufferPointer, announced: Int?) {
        let needed = array.count + bytes.count
        if needed > array.capacity {
            var capacity = max(Self.allowance(needed, announced: announced), array.capacity * 2)
            if let announced { capacity = min(max(capacity, BodyPool.smallest), announced) }
            grow(to: capacity)
        }
        array.append(contentsOf: bytes.bindMemory(to: UInt8.self))
    }

    /// Has the next bytes read into the room that there is; nil where there is none.
    mutating func receive(
        upTo limit: Int, read: (UnsafeMutableRawBufferPointer) -> Socket.Outcome
    ) -> (outcome: Socket.Outcome, room: Int)? {
        // An array's spare room can be lent out since Swift 6.3; before, all goes through the connection's buffer.
        #if compiler(>=6.3)
            let room = min(limit, array.capacity - array.count)
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

    private mutating func grow(to capacity: Int) {
        guard capacity >= BodyPool.smallest else { return array.reserveCapacity(capacity) }
        var larger = pool.array(minimumCapacity: capacity)
        larger.append(contentsOf: array)
        swap(&array, &larger)
        pool.keep(larger)
    }
}
