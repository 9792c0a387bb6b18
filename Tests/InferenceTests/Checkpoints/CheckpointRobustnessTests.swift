import Files
import TestSupport
import Testing

@testable import Inference

/// Damaged files never crash the reader, and where the format can tell, they are refused.
@Suite("Damaged checkpoints")
struct CheckpointRobustnessTests {
    static let files = [
        "state-dict.pth", "state-dict-protocol-4.pth", "layouts.pth", "deflated.pth", "records-zip64.pth",
        "training-script.pth", "types.safetensors", "unaligned.safetensors",
    ]

    @Test("A file cut short anywhere is refused", arguments: files)
    func refusesTruncation(_ name: String) throws {
        let bytes = try CheckpointFixtures.bytes(name)
        for count in 0..<bytes.count {
            #expect(Checkpoint.error(of: bytes[..<count]) != nil, "cut to \(count) of \(bytes.count) bytes")
        }
    }

    @Test("A byte more at the end is refused", arguments: files)
    func refusesTrailingByte(_ name: String) throws {
        #expect(Checkpoint.error(of: try CheckpointFixtures.bytes(name) + [0]) != nil)
    }

    @Test("A changed byte anywhere is refused or leaves sound tensors", arguments: files)
    func survivesChangedBytes(_ name: String) throws {
        let bytes = try CheckpointFixtures.bytes(name)
        var generator = SeededGenerator(seed: 1)
        for offset in bytes.indices {
            for change in [
                UInt8(1) << Int.random(in: 0..<8, using: &generator), UInt8.random(in: 1...255, using: &generator),
            ] {
                var changed = bytes
                changed[offset] ^= change
                convertAll(changed)
            }
        }
    }

    @Test("Several changed bytes in a pickle without checksum are refused or leave sound tensors")
    func survivesChangedPickle() throws {
        let bytes = try CheckpointFixtures.bytes("without-checksums.pth")
        var generator = SeededGenerator(seed: 2)
        var refusals = 0
        for _ in 0..<20_000 {
            var changed = bytes
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                // data.pkl lies at the start.
                changed[Int.random(in: 64..<500, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            refusals += convertAll(changed) ? 0 : 1
        }
        #expect((1..<20_000).contains(refusals))
    }

    @Test("A changed byte of a weight is noticed by its checksum", arguments: ["layouts.pth", "stored-again.pth"])
    func noticesChangedWeights(_ name: String) throws {
        let bytes = try CheckpointFixtures.bytes(name)
        let archive = try ZipArchive(ByteRegion(AlignedBuffer(bytes)))
        let records = archive.records.filter { $0.name.contains("/data/") && $0.byteCount > 0 }
        #expect(records.count > 5)
        for record in records {
            var changed = bytes
            changed[record.data.range.lowerBound] ^= 1
            guard case .checksumMismatch(record.name, _, record.checksum) = Checkpoint.error(of: changed) else {
                Issue.record("\(record.name) is taken")
                continue
            }
        }
    }

    /// Whether the bytes are a checkpoint; if so, every tensor of it is read.
    @discardableResult
    private func convertAll(_ bytes: [UInt8]) -> Bool {
        guard let checkpoint = try? Checkpoint(bytes: bytes) else { return false }
        for (_, stored) in checkpoint.tensors {
            let tensor = stored.tensor()
            #expect(tensor.scalars.count == stored.shape.elementCount)
        }
        return true
    }
}
