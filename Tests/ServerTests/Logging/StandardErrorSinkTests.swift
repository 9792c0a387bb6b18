import Dispatch
import Foundation
import Testing

@testable import Server

@Suite("StandardErrorSink")
struct StandardErrorSinkTests {
    @Test("Lines of many threads arrive whole, even through a non-blocking pipe that is always full")
    func wholeLines() throws {
        var ends: [Int32] = [0, 0]
        let made = pipe(&ends)
        try #require(made == 0)
        let (reader, writer) = (ends[0], ends[1])
        for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
        // Longer than PIPE_BUF, so the system does take them in pieces.
        let length = 20_000
        let letters = Array("abcdefgh")
        let received = DispatchQueue(label: "reader")
        let collected = Collected()
        let done = DispatchGroup()
        received.async(group: done) { collected.readToEnd(of: reader) }
        let sink = StandardErrorSink(descriptor: writer)
        DispatchQueue.concurrentPerform(iterations: letters.count) { index in
            for _ in 0..<10 { sink.append(line: String(repeating: letters[index], count: length) + "\n") }
        }
        close(writer)
        done.wait()
        close(reader)
        let lines = collected.text.split(separator: "\n")
        #expect(lines.count == letters.count * 10)
        #expect(lines.allSatisfy { $0.utf8.count == length && Set($0.utf8).count == 1 })
    }

    @Test("A closed descriptor is no reason to stop")
    func closedDescriptor() {
        StandardErrorSink(descriptor: -1).append(line: "nobody hears this\n")
    }

    /// What came through a pipe.
    private final class Collected: @unchecked Sendable {  // guard: read only after the reading queue's group is done
        var text = ""

        func readToEnd(of descriptor: Int32) {
            var bytes: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 4096)
            while true {
                let count = read(descriptor, &chunk, chunk.count)
                if count > 0 {
                    bytes += chunk[..<count]
                } else if count < 0 && (errno == EAGAIN || errno == EINTR) {
                    var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                    _ = poll(&waiting, 1, -1)
                } else {
                    break
                }
            }
            text = String(decoding: bytes, as: UTF8.self)
        }
    }
}
