import Files
import Foundation
import Testing

@testable import Inference

/// The images under `Fixtures/Images`, and what Pillow and torchvision make of them.
struct ImageFixtures: Decodable {
    struct Stored: Decodable {
        let width: Int, height: Int, digest: String
    }

    struct Fixture: Decodable, CustomTestStringConvertible {
        let file: String, width: Int, height: Int, digest: String, stored: Stored
        var testDescription: String { file }
    }

    struct Hostile: Decodable, CustomTestStringConvertible {
        let file: String, error: String
        var testDescription: String { file }
    }

    struct Resized: Decodable, CustomTestStringConvertible {
        let file: String, steps: PreprocessingDescription, channels: Int, height: Int, width: Int, digest: String
        var testDescription: String { "\(file) \(steps)" }
    }

    struct Normalised: Decodable, CustomTestStringConvertible {
        let file: String, preset: String, input: [Int], first: Float, last: Float, digest: String
        var testDescription: String { "\(file) \(preset) \(input)" }
    }

    struct Scaled: Decodable, CustomTestStringConvertible {
        let file: String, input: [Int], denominator: Int, digest: String
        var testDescription: String { "\(file) \(input) / \(denominator)" }
    }

    let images: [Fixture], hostile: [Hostile], resizes: [Resized], tensors: [Normalised], scaled: [Scaled]

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures")

    static func bytes(_ name: String) throws -> [UInt8] { try contents("Images/\(name)") }

    static func hostileBytes(_ name: String) throws -> [UInt8] { try contents("Hostile/Images/\(name)") }

    /// Foundation's `Data(contentsOf:)` leaks 4 KiB where a file is empty, which the leak sanitizer reports.
    private static func contents(_ path: String) throws -> [UInt8] {
        try FileSnapshot.bytes(of: folder.appending(path: path).path(percentEncoded: false), maxByteCount: .max)
    }

    static func load() throws -> ImageFixtures {
        try JSONDecoder().decode(ImageFixtures.self, from: Data(try bytes("expected.json")))
    }

    /// FNV-1a of 64 bits, as sixteen hexadecimal digits.
    static func digest(_ bytes: some Sequence<UInt8>) -> String {
        let value = bytes.reduce(into: UInt64(0xCBF2_9CE4_8422_2325)) { value, byte in
            value = (value ^ UInt64(byte)) &* 0x100_0000_01B3
        }
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// The same of scalars' bytes, least significant first.
    static func digest(_ scalars: some Sequence<Float>) -> String {
        digest(
            scalars.flatMap { scalar in
                (0..<4).map { UInt8(truncatingIfNeeded: scalar.bitPattern >> (8 * $0)) }
            })
    }
}
