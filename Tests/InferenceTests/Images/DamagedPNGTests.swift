import Foundation
import Testing

@testable import Inference

@Suite("Damaged PNG files, against Pillow")
struct DamagedPNGTests {
    struct Case: Decodable, CustomTestStringConvertible {
        let file: String, pillow: String?, reads: Bool, why: String?
        var testDescription: String { file }
    }

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/Damaged")

    static var cases: [Case] {
        get throws {
            try JSONDecoder().decode([Case].self, from: Data(contentsOf: folder.appending(path: "expected.json")))
        }
    }

    @Test("A damaged file is read to Pillow's pixels or refused, by one rule", arguments: try cases)
    func rule(_ expected: Case) throws {
        let bytes = [UInt8](try Data(contentsOf: Self.folder.appending(path: expected.file)))
        guard expected.reads else {
            #expect(throws: ImageError.self) { try ImageDecoder()(bytes) }
            return
        }
        let image = try ImageDecoder()(bytes)
        if let digest = expected.pillow { #expect(ImageFixtures.digest(image.pixels) == digest) }
    }

    @Test("Where the rule is not Pillow's it says why")
    func reasons() throws {
        for expected in try Self.cases {
            #expect((expected.reads == (expected.pillow != nil)) == (expected.why == nil))
        }
    }
}
