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

    /// The content, which is now whole; the next one may begin.
    mutating func finish() -> [UInt8] {
        defer { array = [] }
        return array
    }

    private mutating func grow(to capacity: Int) {
        guard capacity >= BodyPool.smallest else { return array.reserveCapacity(capacity) }
        var larger = pool.array(minimumCapacity: capacity)
        larger.append(contentsOf: array)
        swap(&array, &larger)
        pool.keep(larger)
    }
}
