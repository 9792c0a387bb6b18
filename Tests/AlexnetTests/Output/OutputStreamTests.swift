import Foundation
import Testing

@testable import alexnet

/// One after the other: they redirect the process's own streams.
@Suite(.serialized, .timeLimit(.minutes(2))) struct OutputStreamTests {
    /// Runs `body` while a standard stream leads to another descriptor.
    private func redirect(_ stream: Int32, to descriptor: Int32, _ body: () throws -> Void) rethrows {
        let saved = dup(stream)
        dup2(descriptor, stream)
        defer {
            dup2(saved, stream)
            close(saved)
        }
        try body()
    }

    @Test func `a full disk is an error and not a crash`() {
        let descriptor = open("/dev/full", O_WRONLY)
        defer { close(descriptor) }
        redirect(STDOUT_FILENO, to: descriptor) {
            #expect(throws: OutputStream.Failure.self) { try OutputStream.output.write("x") }
        }
    }

    @Test func `where nobody reads, writing gives up in time, with what fits written`() throws {
        var ends: [Int32] = [0, 0]
        let made = pipe(&ends)
        try #require(made == 0)
        redirect(STDERR_FILENO, to: ends[1]) {
            // Far more than a pipe holds: this returns, or the test hangs.
            OutputStream.error.writeIfPossible(String(repeating: "x", count: 1 << 20), within: .milliseconds(1))
        }
        close(ends[1])
        let written = try FileHandle(fileDescriptor: ends[0], closeOnDealloc: true).readToEnd() ?? Data()
        #expect(written.count >= 4096 && written.count < 1 << 20)
    }
}
