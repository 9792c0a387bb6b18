import Glibc
import Testing

@testable import HTTPServer

@Suite struct SendQueueTests {
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
        let (byteCount, stop) = queue.flush(to: descriptors[0])
        #expect(byteCount == expected.count && stop == nil && queue.isEmpty)
        var received = [UInt8](repeating: 0, count: expected.count + 1)
        let count = recv(descriptors[1], &received, received.count, Int32(MSG_DONTWAIT))
        #expect(count == expected.count && Array(received.prefix(max(0, count))) == expected)
    }
}
