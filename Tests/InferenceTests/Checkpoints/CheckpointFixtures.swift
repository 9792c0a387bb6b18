import Foundation

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

    /// The names of the checkpoints in a folder.
    static func names(in folder: URL) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { $0.hasSuffix(".pth") || $0.hasSuffix(".safetensors") }.sorted()
    }

    static func bytes(_ name: String, in folder: URL = sound) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: folder.appending(path: name)))
    }

    static func expectation(of name: String) throws -> (file: Expectation, tensors: [ExpectedTensor]) {
        let data = try Data(contentsOf: sound.appending(path: "expected.json"))
        let expected = try JSONDecoder().decode(ExpectedFiles.self, from: data)
        guard let file = expected.files[name] else { throw CocoaError(.fileNoSuchFile) }
        return (file, expected.tensorSets[file.tensorSet])
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
