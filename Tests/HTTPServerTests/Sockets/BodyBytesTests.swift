import Testing

@testable import HTTPServer

@Suite struct BodyBytesTests {
    private static let little = BodyPool.smallest

    /// The capacities that content of pieces passes through.
    private static func capacities(_ pieces: [Int], announced: Int?) -> [Int] {
        var bytes = BodyBytes(pool: BodyPool(limit: 0))
        var capacities: [Int] = []
        for count in pieces {
            [UInt8](repeating: 3, count: count).withUnsafeBytes { bytes.append($0, announced: announced) }
            if bytes.array.capacity != capacities.last { capacities.append(bytes.array.capacity) }
        }
        #expect(bytes.array == [UInt8](repeating: 3, count: pieces.reduce(0, +)))
        return capacities
    }

    @Test func `what was announced is set aside once a little has come, and not before`() {
        let announced = 10 * Self.little
        let pieces = [Int](repeating: Self.little / 4, count: 40)
        let capacities = Self.capacities(pieces, announced: announced)
        #expect(capacities.count == 2)
        #expect((Self.little..<Self.little * 2).contains(capacities[0]))
        #expect((announced..<announced + announced / 4).contains(capacities[1]))
    }

    @Test func `a short body is set aside at once`() {
        for announced in [1000, Self.little] {
            let capacities = Self.capacities([1, announced - 1], announced: announced)
            #expect(capacities.count == 1)
        }
    }

    @Test func `without an announcement memory doubles`() {
        let capacities = Self.capacities([Int](repeating: 10_000, count: 100), announced: nil)
        #expect(capacities.count <= 9)
        #expect(capacities[0] < 20_000)
    }

    @Test func `a promise counts from a little on`() {
        #expect(BodyBytes.allowance(Self.little, announced: 10 << 20) == Self.little)
        #expect(BodyBytes.allowance(Self.little + 1, announced: 10 << 20) == 10 << 20)
        #expect(BodyBytes.allowance(Self.little + 1, announced: nil) == Self.little + 1)
    }

    @Test func `bytes are read straight into the room there is, and no further than asked`() {
        var bytes = BodyBytes(pool: BodyPool(limit: 0))
        #expect(bytes.receive(upTo: 10) { _ in .bytes(1) } == nil, "nothing is set aside yet")
        ([1, 2, 3] as [UInt8]).withUnsafeBytes { bytes.append($0, announced: 10) }
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
            pool: BodyPool(limit: 0))
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
            try sink.look()
        }
        let parts = if case .multipart(let parts) = try sink.finish() { parts } else { [Part]() }
        #expect(parts.map { Array($0.bytes) } == [Array("first".utf8), Array("second".utf8)])
        let offsets = parts.map { part in part.bytes.withUnsafeBytes { $0.baseAddress.map { $0 - (address ?? $0) } } }
        #expect(offsets == [7, 21])
    }
}
