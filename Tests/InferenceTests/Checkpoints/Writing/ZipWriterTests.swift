import Files
import Foundation
import TestSupport
import Testing

@testable import Inference

@Suite(.timeLimit(.minutes(2)))
struct ZipWriterTests {
    /// Three records, one of them empty.
    private func archive(sizeLimit: Int, countLimit: Int = 0xFFFF) throws -> ZipArchive {
        let folder = try TemporaryFolder()
        let file = try AtomicFile(folder.path("archive"))
        var writer = ZipWriter(file, sizeLimit: sizeLimit, countLimit: countLimit)
        try writer.add("a", Array("hello".utf8))
        try writer.add("folder/b", [])
        try writer.add("c", [UInt8](repeating: 7, count: 300))
        try writer.finish()
        try file.commit()
        return try ZipArchive(ByteRegion(try FileSnapshot.contents(of: folder.path("archive"), maxByteCount: 1 << 20)))
    }

    @Test(arguments: [(0xFFFF_FFFF, 0xFFFF), (300, 0xFFFF), (128, 0xFFFF), (1, 0xFFFF), (0xFFFF_FFFF, 3)])
    func `Records are read back complete and aligned to 64 bytes, whichever fields need zip64`(
        _ sizeLimit: Int, _ countLimit: Int
    )
        throws
    {
        var archive = try archive(sizeLimit: sizeLimit, countLimit: countLimit)
        #expect(archive.records.map(\.name) == ["a", "folder/b", "c"])
        var contents: [[UInt8]] = []
        for record in archive.records {
            #expect(record.method == .stored)
            #expect(record.data.range.lowerBound % 64 == 0)
            #expect(record.byteCount == 0 || record.checksum != 0)
            contents.append(try archive.bytes(of: record).withUnsafeBytes(Array.init))
        }
        #expect(contents == [Array("hello".utf8), [], [UInt8](repeating: 7, count: 300)])
    }
}
