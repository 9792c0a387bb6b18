import Testing

@testable import HTTPServer

@Suite(.timeLimit(.minutes(1))) struct BodyBytesTests {
    private static let little = BodyPool.smallest

    /// How much is set aside for content of pieces passes through.
    private static func capacities(_ pieces: [Int], announced: Int?) throws -> [Int] {
        let budget = BodyBudget(limit: .max, addressLimit: .max)
        var bytes = BodyBytes(pool: BodyPool(limit: 0), reservation: BodyReservation(budget))
        var capacities: [Int] = []
        for count in pieces {
            try [UInt8](repeating: 3, count: count).withUnsafeBytes { try bytes.append($0, announced: announced) }
            if bytes.capacity != capacities.last { capacities.append(bytes.capacity) }
            #expect(bytes.array.capacity >= bytes.capacity && bytes.array.capacity < bytes.capacity * 3 / 2 + 64)
            #expect(budget.byteCount == bytes.capacity)
        }
        #expect(bytes.array == [UInt8](repeating: 3, count: pieces.reduce(0, +)))
        return capacities
    }

    @Test func `memory is set aside in steps, and each counts before it is taken`() throws {
        let pieces = [Int](repeating: Self.little / 4, count: 320)
        #expect(
            try Self.capacities(pieces, announced: 80 * Self.little)
                == [Self.little, 4 * Self.little, 16 * Self.little, 64 * Self.little, 80 * Self.little])
        // A large one whole, once enough of it has come.
        #expect(
            try Self.capacities([8 << 20, 1, (32 << 20) - 1], announced: 40 << 20) == [8 << 20, 40 << 20])
    }

    @Test func `a short body is set aside at once`() throws {
        for announced in [1000, Self.little] {
            #expect(try Self.capacities([1, announced - 1], announced: announced) == [announced])
        }
    }

    @Test func `without an announcement memory doubles`() throws {
        let capacities = try Self.capacities([Int](repeating: 10_000, count: 100), announced: nil)
        #expect(capacities == [10_000, 20_000, 40_000, 80_000, 160_000, 320_000, 640_000, 1_280_000])
    }

    @Test func `where memory is short no more is set aside than has come`() throws {
        let budget = BodyBudget(limit: 100, addressLimit: 100)
        var bytes = BodyBytes(pool: BodyPool(limit: 0), reservation: BodyReservation(budget))
        for count in 1...100 {
            try ([7] as [UInt8]).withUnsafeBytes { try bytes.append($0, announced: 1000) }
            #expect(bytes.capacity == count && budget.byteCount == count)
        }
        let error = #expect(throws: RequestError.self) {
            try ([7] as [UInt8]).withUnsafeBytes { try bytes.append($0, announced: 1000) }
        }
        #expect(error == .tooManyBodies(limit: 100, isShare: false) && bytes.array.count == 100)
    }

    @Test func `an array that is kept counts with its own size, or is left alone`() throws {
        let pool = BodyPool(limit: 16 << 20)
        var kept: [UInt8] = []
        kept.reserveCapacity(3 * Self.little)
        pool.keep(kept)
        kept = []
        let (tight, wide) = (Self.little + 100, 10 * Self.little)
        for (limit, isTaken) in [(tight, false), (wide, true)] {
            let budget = BodyBudget(limit: limit, addressLimit: limit)
            var bytes = BodyBytes(pool: pool, reservation: BodyReservation(budget))
            try ([7] as [UInt8]).withUnsafeBytes { try bytes.append($0, announced: Self.little) }
            #expect(pool.isEmpty == isTaken)
            #expect(budget.byteCount == bytes.capacity && (bytes.capacity >= 3 * Self.little) == isTaken)
        }
    }

    @Test func `bytes are read straight into the room there is, and no further than asked`() throws {
        let budget = BodyBudget(limit: 100, addressLimit: 100)
        var bytes = BodyBytes(pool: BodyPool(limit: 0), reservation: BodyReservation(budget))
        #expect(bytes.receive(upTo: 10) { _ in .bytes(1) } == nil, "nothing is set aside yet")
        try ([1, 2, 3] as [UInt8]).withUnsafeBytes { try bytes.append($0, announced: 10) }
        var rooms: [Int] = []
        for (outcome, limit) in [(Socket.Outcome.bytes(4), 7), (.wouldBlock, 3), (.bytes(2), 2), (.end, 1)] {
            let read = bytes.receive(upTo: limit) { room in
                rooms.append(room.count)
                if case .bytes(let count) = outcome { for index in 0..<count { room[index] = 9 } }
                return outcome
            }
            #if compiler(>=6.3)
                #expect(read?.outcome == outcome && read?.room == limit)
            #endif
        }
        #if compiler(>=6.3)
            #expect(rooms == [7, 3, 2, 1])
            #expect(bytes.array == [1, 2, 3] as [UInt8] + [UInt8](repeating: 9, count: 6))
        #endif
    }

    /// The sink of a request with these fields and 100,000 bytes of content.
    private static func sink(_ fields: String = "") throws -> BodySink {
        let text = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\(fields)\r\n"
        var parser = RequestParser(limits: ServerOptions().parserLimits)
        let (event, _) = try Array(text.utf8).withUnsafeBytes { bytes in try parser.next(bytes) }
        guard case .head(let head) = event else { throw RequestError.notHTTP(found: text) }
        return try BodySink(
            head, isCoded: false, limits: MultipartParser.Limits(partCount: 2, partHeaderByteCount: 100),
            pool: BodyPool(limit: 0),
            reservation: BodyReservation(BodyBudget(limit: 1 << 20, addressLimit: 1 << 20)))
    }

    @Test func `what a sink takes stays where it is`() throws {
        var sink = try Self.sink()
        func address() -> UnsafeRawPointer? { sink.content.withUnsafeBytes(\.baseAddress) }
        try ([1] as [UInt8]).withUnsafeBytes { bytes in try sink.append(bytes) }
        let first = address()
        for _ in 0..<3 {
            _ = sink.receive(upTo: 10) { _ in .bytes(10) }
            try ([2] as [UInt8]).withUnsafeBytes { bytes in try sink.append(bytes) }
            #expect(address() == first)
        }
    }

    @Test func `the parts of a form are found in what was read straight to its place, and stay there`() throws {
        var sink = try Self.sink("Content-Type: multipart/form-data; boundary=B\r\n")
        let body = Array("--B\r\n\r\nfirst\r\n--B\r\n\r\nsecond\r\n--B--".utf8)
        try body.prefix(1).withUnsafeBytes { try sink.append($0) }
        let address = sink.content.withUnsafeBytes(\.baseAddress)
        for byte in body.dropFirst() {
            let read = sink.receive(upTo: 1) { room in
                room[0] = byte
                return .bytes(1)
            }
            if read == nil { try [byte].withUnsafeBytes { try sink.append($0) } }
            try sink.parse()
        }
        let parts = if case .multipart(let parts) = try sink.finish() { parts } else { [Part]() }
        #expect(parts.map { Array($0.bytes) } == [Array("first".utf8), Array("second".utf8)])
        let offsets = parts.map { part in part.bytes.withUnsafeBytes { $0.baseAddress.map { $0 - (address ?? $0) } } }
        #expect(offsets == [7, 21])
    }
}
