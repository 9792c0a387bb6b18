import Glibc
import Testing

@testable import HTTPServer

@Suite(.timeLimit(.minutes(1))) struct ReceiveBufferTests {
    @Test func `bytes come out in the order they went in, up to the bound`() {
        var buffer = ReceiveBuffer(maxCapacity: 20_000)
        var expected: [UInt8] = []
        var next: UInt8 = 0
        for round in 0..<200 {
            if let room = buffer.room() {
                let count = min(room.count, 1 + round * 37 % 3000)
                for index in 0..<count {
                    room[index] = next
                    expected.append(next)
                    next &+= 1
                }
                buffer.append(count)
            } else {
                #expect(buffer.count == 20_000)
            }
            #expect(Array(buffer.unread) == expected)
            let consumed = min(buffer.count, round * 53 % 2500)
            buffer.consume(consumed)
            expected.removeFirst(consumed)
        }
        buffer.consume(buffer.count)
        buffer.releaseIfEmpty()
        #expect(buffer.count == 0 && buffer.room()?.count == ReceiveBuffer.initialCapacity)
    }

    @Test func `a full buffer has no room until bytes are consumed`() {
        var buffer = ReceiveBuffer(maxCapacity: 8192)
        while let room = buffer.room() { buffer.append(room.count) }
        #expect(buffer.count == 8192)
        buffer.consume(1)
        #expect(buffer.room()?.count == 1)
    }

    @Test func `what arrives in a block that it fills has a larger one next time, up to the bound`() {
        var buffer = ReceiveBuffer(maxCapacity: 40_000)
        for expected in [8192, 16_384, 32_768, 40_000, 40_000] {
            let count = buffer.room()?.count ?? 0
            #expect(count == expected)
            buffer.append(count)
            buffer.consume(count)
        }
        buffer.releaseIfEmpty()
        for _ in 0..<3 {
            #expect(buffer.room()?.count == 8192)
            buffer.append(8191)
            buffer.consume(8191)
        }
    }

    @Test func `what is known to come has room at once, up to the bound`() {
        for (expected, room) in [(0, 16_384), (20_000, 20_000), (40_000, 40_000), (40_001, 40_000), (.max, 40_000)] {
            var buffer = ReceiveBuffer(maxCapacity: 40_000)
            #expect(buffer.room()?.count == 8192)
            buffer.append(8192)
            buffer.consume(8192)
            #expect(buffer.room(expecting: expected)?.count == room)
        }
    }
}

@Suite(.timeLimit(.minutes(1))) struct SendQueueTests {
    @Test(arguments: [
        [1, 2], [0, 5, 0], [SendQueue.smallPiece - 1, 1, 1], [1, SendQueue.smallPiece], [40_000, 3, 40_000],
    ])
    func `bytes go out in their order, however large the pieces are`(_ counts: [Int]) {
        var descriptors: [Int32] = [0, 0]
        #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &descriptors) == 0)
        defer { for descriptor in descriptors { close(descriptor) } }
        var queue = SendQueue()
        var expected: [UInt8] = []
        for (index, count) in counts.enumerated() {
            let piece = [UInt8](repeating: UInt8(index + 1), count: count)
            queue.append(piece)
            expected += piece
        }
        #expect(!queue.isEmpty)
        let (byteCount, stop) = queue.flush(to: descriptors[0], of: OperatingSystem(poller: .auto))
        #expect(byteCount == expected.count && stop == nil && queue.isEmpty)
        var received = [UInt8](repeating: 0, count: expected.count + 1)
        let count = recv(descriptors[1], &received, received.count, Int32(MSG_DONTWAIT))
        #expect(count == expected.count && Array(received.prefix(max(0, count))) == expected)
    }
}
