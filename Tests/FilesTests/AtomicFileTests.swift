import Foundation
import TestSupport
import Testing

@testable import Files

@Suite("Atomic file")
struct AtomicFileTests {
    private let folder: TemporaryFolder
    private let path: String

    init() throws {
        folder = try TemporaryFolder()
        path = folder.path("file.txt")
    }

    private var contents: String? { try? String(contentsOfFile: path, encoding: .utf8) }

    private func error(_ body: () throws(FileWriteError) -> Void) -> FileWriteError? {
        do throws(FileWriteError) {
            try body()
            return nil
        } catch {
            return error
        }
    }

    @Test("A file takes the old one's place at commit and not before, and nothing else is left")
    func commits() throws {
        try AtomicFile.write("old", to: path)
        let file = try AtomicFile(path)
        try file.write(Array("new".utf8))
        #expect(contents == "old")
        try file.commit()
        #expect(contents == "new")
        #expect(folder.names == ["file.txt"])
    }

    @Test("A writer that is let go of leaves the old file")
    func abandons() throws {
        try AtomicFile.write("old", to: path)
        do {
            let file = try AtomicFile(path, expectedByteCount: 100_000)
            try file.write([UInt8](repeating: 1, count: 100_000))
            #expect(folder.names == [".file.txt.partial", "file.txt"])
        }
        #expect(contents == "old")
        #expect(folder.names == ["file.txt"])
        let file = try AtomicFile(path)
        file.abandon()
        file.abandon()
        #expect(folder.names == ["file.txt"])
    }

    @Test("What a killed writer left is taken over, however long it was")
    func takesOver() throws {
        try AtomicFile.write("old", to: path)
        try Data(repeating: 1, count: 1000).write(to: URL(filePath: folder.path(".file.txt.partial")))
        try AtomicFile.write("new", to: path)
        #expect(contents == "new")
        #expect(folder.names == ["file.txt"])
    }

    @Test("A partial file that is a link is never written through")
    func followsNoLink() throws {
        let other = folder.path("other")
        try Data("other".utf8).write(to: URL(filePath: other))
        try FileManager.default.linkItem(atPath: other, toPath: folder.path(".file.txt.partial"))
        try AtomicFile.write("new", to: path)
        #expect(contents == "new")
        #expect(try String(contentsOfFile: other, encoding: .utf8) == "other")

        try FileManager.default.createSymbolicLink(
            atPath: folder.path(".file.txt.partial"), withDestinationPath: other)
        #expect(error { () throws(FileWriteError) in try AtomicFile.write("x", to: path) } != nil)
        #expect(try String(contentsOfFile: other, encoding: .utf8) == "other")
    }

    @Test("Two writers of one file do not meet")
    func excludes() throws {
        let first = try AtomicFile(path)
        #expect(error { () throws(FileWriteError) in _ = try AtomicFile(path) } == .busy(file: path))
        try first.write([UInt8](repeating: 65, count: 3))
        try first.commit()
        #expect(contents == "AAA")
        try AtomicFile.write("B", to: path)
        #expect(contents == "B")
    }

    @Test("Bytes are written in order, whatever the pieces' sizes, and can be written over")
    func writesPieces() throws {
        let file = try AtomicFile(path, expectedByteCount: 10)
        var expected: [UInt8] = []
        for (index, count) in [1, 65535, 65536, 65537, 0, 5, 200_000, 3].enumerated() {
            let piece = [UInt8](repeating: UInt8(index), count: count)
            try file.write(piece)
            expected += piece
            #expect(file.byteCount == expected.count)
        }
        for offset in [0, 65535, 65536, 300_000, expected.count - 2] {
            try file.overwrite([0xAA, 0xBB], at: offset)
            expected.replaceSubrange(offset..<offset + 2, with: [0xAA, 0xBB])
        }
        try file.write([9])
        expected.append(9)
        try file.commit()
        #expect(try Data(contentsOf: URL(filePath: path)) == Data(expected))
    }

    @Test("A symbolic link stays one, and permissions stay")
    func keepsLinks() throws {
        let target = folder.path("target.txt")
        try AtomicFile.write("old", to: target)
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: target)
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "target.txt")
        try AtomicFile.write("new", to: path)
        #expect(folder.names == ["file.txt", "target.txt"])
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: path) == "target.txt")
        #expect(contents == "new")
        let attributes = try FileManager.default.attributesOfItem(atPath: target)
        #expect(attributes[.posixPermissions] as? Int == 0o640)
    }

    @Test("What cannot be written is told in a sentence, before anything is touched")
    func refusals() throws {
        let gone = folder.path("none/file")
        #expect(
            error { () throws(FileWriteError) in try AtomicFile.write("x", to: gone) }
                == .failed(file: gone, reason: "No such file or directory"))
        #expect(
            error { () throws(FileWriteError) in try AtomicFile.write("x", to: folder.path("")) }
                == .notAFile(file: folder.path("")))
        #expect(
            error { () throws(FileWriteError) in try AtomicFile.write("x", to: "/dev/null") }
                == .notAFile(file: "/dev/null"))
        #expect(error { () throws(FileWriteError) in try AtomicFile.write("x", to: "") } != nil)
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "nowhere")
        #expect(
            error { () throws(FileWriteError) in try AtomicFile.write("x", to: path) }
                == .failed(file: path, reason: "No such file or directory"))
        #expect(folder.names == ["file.txt"])
    }

    @Test("A disk that has no room says so before a byte is written, and the old file stays")
    func noSpace() throws {
        try AtomicFile.write("old", to: path)
        let byteCount = 1 << 60
        #expect(
            error { () throws(FileWriteError) in _ = try AtomicFile(path, expectedByteCount: byteCount) }
                == .noSpace(file: path, byteCount: byteCount))
        #expect(contents == "old")
        #expect(folder.names == ["file.txt"])
        #expect(
            FileWriteError.noSpace(file: "a", byteCount: 5).description
                == "a cannot be written: there is no space left for its 5 bytes; free some and try again.")
    }
}
