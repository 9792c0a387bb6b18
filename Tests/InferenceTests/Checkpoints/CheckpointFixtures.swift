import Files
import Foundation
import Testing

@testable import Inference

/// The checkpoints that the scripts in `Fixtures` have made.
enum CheckpointFixtures {
    struct Expectation: Decodable {
        let format: String
        let tensorSet: Int
        let skipped: [[String]]
        let metadata: [String: String]
    }

    struct ExpectedTensor: Decodable {
        let name: String
        let type: String
        let shape: [Int]
        let strides: [Int]
        let bits: [Int32]
    }

    private struct ExpectedFiles: Decodable {
        let files: [String: Expectation]
        let tensorSets: [[ExpectedTensor]]
    }

    private static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures")
    static let sound = fixtures.appending(path: "Checkpoints")
    static let hostile = fixtures.appending(path: "Hostile/Checkpoints")
    static let stacked = fixtures.appending(path: "Stacked")
    static let hostileStacked = fixtures.appending(path: "Hostile/Stacked")
    static let dictionaries = fixtures.appending(path: "ArrayDictionaries")
    static let hostileDictionaries = fixtures.appending(path: "Hostile/ArrayDictionaries")
    static let trainingScripts = fixtures.appending(path: "TrainingScripts")
    static let sharded = fixtures.appending(path: "Sharded")

    /// The names of the checkpoints in a folder.
    static func names(in folder: URL) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { !$0.hasSuffix(".py") && !$0.hasSuffix(".json") }.sorted()
    }

    static func bytes(_ name: String, in folder: URL = sound) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: folder.appending(path: name)))
    }

    static func expectation(of name: String, in folder: URL = sound) throws -> (
        file: Expectation, tensors: [ExpectedTensor]
    ) {
        let data = try Data(contentsOf: folder.appending(path: "expected.json"))
        let expected = try JSONDecoder().decode(ExpectedFiles.self, from: data)
        guard let file = expected.files[name] else { throw CocoaError(.fileNoSuchFile) }
        return (file, expected.tensorSets[file.tensorSet])
    }

    /// Reads a file and compares it with the expectation beside it, to the bit.
    static func check(_ name: String, in folder: URL) throws {
        let (file, tensors) = try expectation(of: name, in: folder)
        let checkpoint = try Checkpoint(contentsOf: folder.appending(path: name).path)
        #expect(checkpoint.format.rawValue == file.format)
        #expect(checkpoint.metadata == file.metadata)
        #expect(checkpoint.skipped.map { [$0.name, $0.scalarName] } == file.skipped)
        #expect(checkpoint.tensors.names == tensors.map(\.name))
        for expected in tensors {
            let stored = try checkpoint.tensor(expected.name, shape: Shape(expected.shape))
            #expect(stored.scalarType.rawValue == expected.type, "\(expected.name)")
            if !expected.shape.contains(0) { #expect(stored.strides == expected.strides, "\(expected.name)") }
            let found = stored.tensor()
            #expect(found.shape.extents == expected.shape)
            // A NaN's payload is no value.
            let scalars = zip(found.scalars, expected.bits.map { Float(bitPattern: UInt32(bitPattern: $0)) })
            #expect(found.scalars.count == expected.bits.count)
            for (index, (scalar, value)) in scalars.enumerated() {
                #expect(
                    scalar.bitPattern == value.bitPattern || scalar.isNaN && value.isNaN, "\(expected.name)[\(index)]")
            }
        }
    }
}

extension AlignedBuffer {
    /// A buffer of its own for some bytes.
    convenience init(_ bytes: some Collection<UInt8>) {
        self.init(byteCount: bytes.count)
        self.bytes.copyBytes(from: bytes)
    }
}

extension Checkpoint {
    /// A checkpoint of some bytes.
    init(bytes: some Collection<UInt8>) throws(CheckpointError) {
        try self.init(AlignedBuffer(bytes), name: "test")
    }

    /// The error that some bytes are refused with.
    static func error(of bytes: some Collection<UInt8>) -> CheckpointError? {
        do throws(CheckpointError) {
            _ = try Checkpoint(bytes: bytes)
            return nil
        } catch {
            return error
        }
    }
}
