import Dispatch
import Foundation
import TestSupport
import Testing

@testable import Files

@Suite("Snapshots of files", .timeLimit(.minutes(1)))
struct FileSnapshotTests {
    private static let byteCount = (8 << 20) + 5

    /// A file of three parts, whose bytes tell where they stand.
    private static func file(in folder: TemporaryFolder) throws -> (path: String, bytes: [UInt8]) {
        let bytes = (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 12) }
        try Data(bytes).write(to: URL(filePath: folder.path("file")))
        return (folder.path("file"), bytes)
    }

    private static func onAllThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
        DispatchQueue.concurrentPerform(iterations: count, execute: body)
    }

    @Test func `parts may be read in any order, by several threads`() throws {
        let folder = try TemporaryFolder()
        let (path, bytes) = try Self.file(in: folder)
        let orders: [FileSnapshot.Loop] = [
            { count, body in (0..<count).forEach(body) }, { count, body in (0..<count).reversed().forEach(body) },
            Self.onAllThreads,
        ]
        for loop in orders {
            let found = try FileSnapshot.contents(of: path, maxByteCount: Self.byteCount, loop: loop)
            #expect(Array(found.bytes) == bytes)
        }
    }

    @Test func `a file that shrinks or is written to meanwhile is refused`() throws {
        let folder = try TemporaryFolder()
        let path = try Self.file(in: folder).path
        #expect(throws: FileError.changedWhileReading(file: path)) {
            try FileSnapshot.contents(of: path, maxByteCount: Self.byteCount) { count, body in
                body(0)
                truncate(path, 5 << 20)
                (1..<count).forEach(body)
            }
        }
        #expect(throws: FileError.changedWhileReading(file: path)) {
            try FileSnapshot.contents(of: path, maxByteCount: Self.byteCount) { count, body in
                (0..<count).forEach(body)
                truncate(path, 6 << 20)
            }
        }
    }

    @Test func `a file of exactly the largest size is read, and a larger one is not`() throws {
        let folder = try TemporaryFolder()
        let path = try Self.file(in: folder).path
        #expect(try FileSnapshot.contents(of: path, maxByteCount: Self.byteCount).bytes.count == Self.byteCount)
        #expect(
            throws: FileError.tooLarge(file: path, byteCount: Self.byteCount, limit: Self.byteCount - 1)
        ) { try FileSnapshot.contents(of: path, maxByteCount: Self.byteCount - 1, loop: Self.onAllThreads) }
    }

    @Test func `an empty file has no bytes`() throws {
        let folder = try TemporaryFolder()
        try folder.write([], to: "empty")
        #expect(try FileSnapshot.bytes(of: folder.path("empty"), maxByteCount: 0) == [])
    }
}
