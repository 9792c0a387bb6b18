import Dispatch
import Foundation
import Testing

@testable import Server

@Suite(.timeLimit(.minutes(2))) struct LogWriterTests {
    /// A pipe that is read only when a test does so.
    private final class Pipe: @unchecked Sendable {  // guard: one thread at a time
        let reader: Int32
        let writer: Int32

        init(isNonBlocking: Bool = false) throws {
            var ends: [Int32] = [0, 0]
            let made = pipe(&ends)
            try #require(made == 0)
            (reader, writer) = (ends[0], ends[1])
            if isNonBlocking { for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) } }
        }

        /// Reads until the other end is closed.
        func readToEnd() -> String {
            var bytes: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 4096)
            while true {
                let count = Foundation.read(reader, &chunk, chunk.count)
                if count > 0 {
                    bytes += chunk[..<count]
                } else if count < 0 && (errno == EAGAIN || errno == EINTR) {
                    var waiting = pollfd(fd: reader, events: Int16(POLLIN), revents: 0)
                    guard poll(&waiting, 1, 120_000) > 0 || errno == EINTR else { break }
                } else {
                    break
                }
            }
            close(reader)
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    /// Far longer than any machine takes to write what a test writes.
    private static let patience = Duration.seconds(120)

    private static func writer(_ pipe: Pipe, maxByteCount: Int = 1 << 20) -> LogWriter {
        LogWriter(descriptor: pipe.writer, maxByteCount: maxByteCount) { "dropped \($0)\n" }
    }

    @Test func `lines of many threads arrive whole, even through a non-blocking pipe that is always full`() throws {
        let pipe = try Pipe(isNonBlocking: true)
        // Longer than PIPE_BUF, so the system does take them in pieces.
        let length = 20_000
        let letters = Array("abcdefgh")
        let writer = Self.writer(pipe, maxByteCount: 1 << 30)
        DispatchQueue.global().async {
            DispatchQueue.concurrentPerform(iterations: letters.count) { index in
                for _ in 0..<10 { writer.append(line: String(repeating: letters[index], count: length) + "\n") }
            }
            writer.flush(within: Self.patience)
            close(pipe.writer)
        }
        let lines = pipe.readToEnd().split(separator: "\n")
        #expect(lines.count == letters.count * 10)
        #expect(lines.allSatisfy { $0.utf8.count == length && Set($0.utf8).count == 1 })
        #expect(writer.droppedCount == 0)
    }

    @Test func `without a reader logging never blocks; lines that do not fit are dropped, counted and reported`()
        throws
    {
        let pipe = try Pipe()
        let limit = 64 << 10
        let writer = Self.writer(pipe, maxByteCount: limit)
        let padding = String(repeating: "x", count: 90)
        let count = 10_000
        for number in 0..<count { writer.append(line: "\(number) \(padding)\n") }
        // The pipe and the queue are full: nothing below this line would come back if appending waited.
        let droppedCount = writer.droppedCount
        #expect(droppedCount > 0)
        #expect(!writer.flush(within: .milliseconds(10)))
        writer.append(line: "again\n")
        DispatchQueue.global().async {
            writer.flush(within: Self.patience)
            close(pipe.writer)
        }
        let text = pipe.readToEnd()
        let lines = text.split(separator: "\n")
        let numbers = lines.compactMap { Int($0.prefix { $0 != " " }) }
        let told = lines.filter { $0.hasPrefix("dropped ") }.compactMap { Int($0.dropFirst("dropped ".count)) }
        #expect(numbers == numbers.sorted())
        #expect(Set(numbers).count == numbers.count)
        #expect(told.reduce(0, +) == writer.droppedCount)
        let isKept = lines.last == "again"
        #expect(numbers.count + droppedCount == count)
        #expect(writer.droppedCount == droppedCount + (isKept ? 0 : 1))
        // Half of the queue is written between two notices, and a pipe takes 64 KiB of its own.
        #expect(told.count <= 6)
        #expect(text.utf8.count <= limit + (64 << 10) + 4096 + 200)
    }

    @Test(arguments: [0, 1])
    func `a line at the limit is written, one byte more is dropped and reported`(excess: Int) throws {
        let pipe = try Pipe()
        let writer = Self.writer(pipe, maxByteCount: 1000)
        writer.append(line: String(repeating: "x", count: 999 + excess) + "\n")
        #expect(writer.flush(within: Self.patience))
        #expect(writer.droppedCount == excess)
        close(pipe.writer)
        #expect(pipe.readToEnd() == (excess == 0 ? String(repeating: "x", count: 999) + "\n" : "dropped 1\n"))
    }

    @Test func `failed writes are counted, and reported once the descriptor works again`() throws {
        let pipe = try Pipe()
        let descriptor = open("/dev/full", O_WRONLY)
        let writer = LogWriter(descriptor: descriptor, maxByteCount: 1 << 20) { "dropped \($0)\n" }
        for _ in 0..<3 {
            writer.append(line: "lost\n")
            #expect(writer.flush(within: Self.patience))
        }
        #expect(writer.droppedCount == 3)
        dup2(pipe.writer, descriptor)
        close(pipe.writer)
        writer.append(line: "kept\n")
        #expect(writer.flush(within: Self.patience))
        close(descriptor)
        #expect(pipe.readToEnd() == "dropped 3\nkept\n")
        #expect(writer.droppedCount == 3)
    }

    @Test func `a closed descriptor does not stop the writer`() {
        let writer = LogWriter(descriptor: -1, maxByteCount: 1000) { "dropped \($0)\n" }
        writer.append(line: "nobody hears this\n")
        #expect(writer.flush(within: Self.patience))
        #expect(writer.droppedCount == 1)
    }

    @Test func `the metric counts dropped lines, from 0 on`() {
        let metrics = ServingMetrics(routes: [])
        let descriptor = open("/dev/null", O_WRONLY)
        defer { close(descriptor) }
        let writer = LogWriter(descriptor: descriptor, maxByteCount: 1000) { "dropped \($0)\n" }
        metrics.countLostLines(of: writer)
        #expect(metrics.registry.exposition().contains("\nalexnet_log_lines_dropped_total 0\n"))
        writer.append(line: String(repeating: "x", count: 1001))
        #expect(metrics.registry.exposition().contains("\nalexnet_log_lines_dropped_total 1\n"))
    }
}
