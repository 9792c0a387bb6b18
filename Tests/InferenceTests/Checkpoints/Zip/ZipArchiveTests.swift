import Files
import Testing

@testable import Inference

@Suite(.timeLimit(.minutes(2)))
struct ZipArchiveTests {
    /// A record that inflates beyond the memory for its file.
    static let bomb = "deflate-bomb.pth"
    /// One hostile file for each thing that can be wrong, and the error it must be refused with.
    static let refusals: [String: CheckpointError] = [
        "deflate-corrupt.pth": .invalidCompression(record: "a/data.pkl", offset: 1),
        "deflate-cut.pth": .invalidCompression(record: "a/data.pkl", offset: 136),
        "deflate-impossible-ratio.pth": .limitExceeded(
            what: "inflated bytes in one record", found: 4026531840, limit: 3163080),
        "deflate-longer-than-declared.pth": .inflatedSizeMismatch(record: "a/data.pkl", found: 1001, expected: 1000),
        "deflate-pickle-too-long.pth": .memoryLimit(
            what: "inflated record a/data.pkl", needed: 69206420, limit: 67648024),
        "deflate-shorter-than-declared.pth": .inflatedSizeMismatch(
            record: "a/data.pkl", found: 3145728, expected: 3145737),
        "deflate-trailing-byte.pth": .invalidCompression(record: "a/data.pkl", offset: 139),
        "zip-big-endian.pth": .unsupportedByteOrder(found: "big"),
        "zip-central-signature.pth": .wrongSignature(
            what: "the zip directory entry", offset: 291, found: 0x2014b51, expected: 0x2014b50),
        "zip-compressed-size-mismatch.pth": .headerMismatch(
            record: "a/data.pkl", field: "compressed size", found: 1, expected: 189),
        "zip-corrupt-pickle.pth": .checksumMismatch(record: "a/data.pkl", found: 0xd6755753, expected: 0x7),
        "zip-corrupt-storage.pth": .checksumMismatch(record: "a/data/0", found: 0x1939e524, expected: 0x7),
        "zip-crc-mismatch.pth": .headerMismatch(record: "a/data.pkl", field: "CRC-32", found: 1, expected: 3598014291),
        "zip-data-in-directory.pth": .overlappingRecords(record: "a/data.pkl", next: "the directory", offset: 291),
        "zip-data-outside.pth": .truncated(what: "the archive", offset: 40, needed: 1000000, available: 383),
        "zip-directory-gap.pth": .directoryMismatch(field: "end", found: 341, expected: 401),
        "zip-directory-outside.pth": .directoryMismatch(field: "end", found: 4294967390, expected: 401),
        "zip-directory-size.pth": .directoryMismatch(field: "size", found: 110, expected: 56),
        "zip-disks.pth": .unsupportedArchive(offset: 401, feature: "several disks"),
        "zip-duplicate.pth": .duplicateRecord(record: "a/data/0"),
        "zip-empty.pth": .missingRecord(record: "data.pkl"),
        "zip-encrypted.pth": .encryptedRecord(record: "a/data.pkl"),
        "zip-end64-count.pth": .directoryMismatch(field: "record count", found: 2, expected: 3),
        "zip-end64-disks.pth": .unsupportedArchive(offset: 401, feature: "several disks"),
        "zip-end64-huge-count.pth": .limitExceeded(what: "zip records", found: .max, limit: 262144),
        "zip-end64-huge-offset.pth": .directoryMismatch(field: "end", found: .max, expected: 401),
        "zip-end64-huge-size.pth": .directoryMismatch(field: "end", found: .max, expected: 401),
        "zip-end64-length.pth": .directoryMismatch(field: "zip64 end record size", found: 45, expected: 44),
        "zip-end64-signature.pth": .wrongSignature(
            what: "the zip64 end record", offset: 401, found: 0x12345678, expected: 0x6064b50),
        "zip-flags-mismatch.pth": .headerMismatch(record: "a/data.pkl", field: "flags", found: 8, expected: 0),
        "zip-local-outside.pth": .truncated(what: "the archive", offset: 0, needed: 4294967280, available: 423),
        "zip-local-signature.pth": .wrongSignature(
            what: "the zip record", offset: 62, found: 0x4034b51, expected: 0x4034b50),
        "zip-keras.pth": .unknownFormat(
            file: "test",
            found: "is Keras' .keras: load it there, and save a dictionary {layer: [weights, biases]} with numpy.save"),
        "zip-locator-disks.pth": .unsupportedArchive(offset: 457, feature: "several disks"),
        "zip-locator-offset.pth": .directoryMismatch(field: "zip64 end record offset", found: .max, expected: 401),
        "zip-method.pth": .unsupportedCompression(record: "a/data.pkl", method: 12),
        "zip-name-mismatch.pth": .nameMismatch(record: "a/data.pkl", found: "b/data.pkl.."),
        "zip-name-not-text.pth": .invalidRecordName(offset: 33),
        "zip-no-end.pth": .missingDirectory(byteCount: 401),
        "zip-no-pickle.pth": .missingRecord(record: "data.pkl"),
        "zip-no-storage.pth": .missingRecord(record: "a/data/0"),
        "zip-of-files.pth": .unknownFormat(
            file: "test", found: "is a zip archive of files: unpack it, and take models/a.pth"),
        "zip-overlap.pth": .overlappingRecords(record: "a/data.pkl", next: "a/data/0", offset: 229),
        "zip-record-disk.pth": .unsupportedArchive(offset: 229, feature: "several disks"),
        "zip-same-record.pth": .nameMismatch(record: "a/data.pkm", found: "a/data.pkl"),
        "zip-size-mismatch.pth": .headerMismatch(record: "a/data.pkl", field: "size", found: 1, expected: 189),
        "zip-stored-sizes.pth": .headerMismatch(
            record: "a/data.pkl", field: "compressed size", found: 189, expected: 1000),
        "zip-torchscript.pth": .unknownFormat(file: "test", found: FileKind.torchScript.sentence),
        "zip-too-many-counted.pth": .truncated(what: "the zip directory", offset: 110, needed: 4, available: 0),
        "zip-trailing-byte.pth": .missingDirectory(byteCount: 424),
        "zip-two-pickles.pth": .severalPickles(found: ["a/data.pkl", "b/data.pkl"]),
        "zip-version-text.pth": .unsupportedVersion(found: "not text"),
        "zip-version.pth": .unsupportedVersion(found: "11\n"),
        "zip-zip64-short.pth": .truncated(what: "a zip64 field", offset: 8, needed: 8, available: 0),
        "zip-zip64-size.pth": .truncated(what: "the archive", offset: 60, needed: .max, available: 287),
    ]

    @Test(arguments: refusals.keys.sorted())
    func `An inconsistent archive is refused`(_ name: String) throws {
        let bytes = try CheckpointFixtures.bytes(name, in: CheckpointFixtures.hostile)
        #expect(Checkpoint.error(of: bytes) == Self.refusals[name])
    }

    @Test func `A record that inflates beyond the memory for its file is refused`() throws {
        let bytes = try CheckpointFixtures.bytes(Self.bomb, in: CheckpointFixtures.hostile)
        let error = Checkpoint.error(of: bytes)
        guard case .memoryLimit("inflated record a/data/0", let needed, 67_642_144) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        // The allocator decides how much room the arrays of the zip directory have.
        #expect(68_160_000...68_161_000 ~= needed)
    }

    @Test func `Numbers in zip64 fields are read`() throws {
        let archive = try ZipArchive(ByteRegion(AlignedBuffer(try CheckpointFixtures.bytes("zip64.pth"))))
        #expect(archive.records.map(\.name) == ["a/data.pkl", "a/data/0"])
        let record = try #require(archive["a/data/0"])
        #expect(record.byteCount == 24)
        #expect(archive["a/data/1"] == nil)
    }

    @Test func `A deflated record inflates to the original bytes`() throws {
        var stored = try ZipArchive(ByteRegion(AlignedBuffer(try CheckpointFixtures.bytes("layouts.pth"))))
        var deflated = try ZipArchive(ByteRegion(AlignedBuffer(try CheckpointFixtures.bytes("streamed.pth"))))
        #expect(stored.records.count == 14)
        for record in stored.records {
            let other = try #require(deflated[record.name])
            let bytes = try stored.bytes(of: record).withUnsafeBytes { Array($0) }
            #expect(try deflated.bytes(of: other).withUnsafeBytes { Array($0) } == bytes)
        }
        #expect(deflated.records.contains { $0.method == .deflated && $0.data.count < $0.byteCount })
    }
}
