import Foundation
import TestSupport
import Testing

@testable import Files

@Suite("Small text files")
struct TextFileTests {
    private func utf16(_ text: String, bigEndian: Bool = false, mark: Bool = true) -> [UInt8] {
        let units = (mark ? [0xFEFF] : []) + Array(text.utf16)
        return units.flatMap { unit -> [UInt8] in
            let bytes = [UInt8(unit >> 8), UInt8(unit & 0xFF)]
            return bigEndian ? bytes : bytes.reversed()
        }
    }

    @Test("UTF-8 is read with and without a byte order mark, UTF-16 with one", arguments: ["雏菊\r\n玫瑰😀", "daisy", ""])
    func reads(_ text: String) throws {
        let utf8 = Array(text.utf8)
        for bytes in [utf8, [0xEF, 0xBB, 0xBF] + utf8, utf16(text), utf16(text, bigEndian: true)] {
            let file = try TextFile(bytes, name: "a")
            #expect(file.text == text)
            #expect(file.bytes == bytes)
        }
    }

    @Test("Only a mark at the beginning is none of the text")
    func keepsInnerMarks() throws {
        #expect(try TextFile([0xEF, 0xBB, 0xBF] + Array("\u{FEFF}a".utf8), name: "a").text == "\u{FEFF}a")
    }

    static let refusals: [(bytes: [UInt8], found: String)] = [
        // 雏菊 蒲公英 玫瑰 in GBK, ひまわり in Shift JIS, 蒲公英 玫瑰 in Big5, Gänseblümchen in Windows-1252.
        (
            [0xB3, 0xFB, 0xBE, 0xD5, 0x0A, 0xC6, 0xD1, 0xB9, 0xAB, 0xD3, 0xA2, 0x0A, 0xC3, 0xB5, 0xB9, 0xE5],
            "is probably GBK, as Chinese Windows saves text: save it as UTF-8"
        ),
        (
            [0x82, 0xD0, 0x82, 0xDC, 0x82, 0xED, 0x82, 0xE8, 0x0A],
            "is probably Shift JIS, as Japanese Windows saves text: save it as UTF-8"
        ),
        (
            Array("G".utf8) + [0xE4] + Array("nsebl".utf8) + [0xFC] + Array("mchen\nRosen\n".utf8),
            "is probably Windows-1252 or Latin-1, as Western Windows saves text: save it as UTF-8"
        ),
        (
            [0x64, 0, 0x61, 0, 0x69, 0, 0x73, 0, 0x79, 0],
            "is probably UTF-16 (little-endian) without a byte order mark: save it as UTF-8"
        ),
        (
            [0, 0x64, 0, 0x61, 0, 0x69, 0, 0x73, 0, 0x79],
            "is probably UTF-16 (big-endian) without a byte order mark: save it as UTF-8"
        ),
        ([0xFF, 0xFE, 0x41], "begins with UTF-16's byte order mark, and goes on with bytes that are not UTF-16"),
        ([0xFF, 0xFE, 0x00, 0xD8], "begins with UTF-16's byte order mark, and goes on with bytes that are not UTF-16"),
        (
            [0xEF, 0xBB, 0xBF, 0xFF], "begins with UTF-8's byte order mark, and goes on with bytes that are not UTF-8"
        ),
        ([0xFF, 0xFE, 0, 0, 0x41, 0, 0, 0], "is UTF-32: save it as UTF-8"),
        (Array("ab".utf8) + [0] + Array("cdefghi".utf8), "has bytes of zero, as no text has"),
        ([0x61, 0xC3, 0xA9, 0xFF, 0xFF], "has bytes at offset 3 that are not UTF-8: save it as UTF-8"),
    ]

    @Test("Other encodings are refused by their likely names", arguments: refusals.indices)
    func refuses(_ index: Int) {
        let (bytes, found) = Self.refusals[index]
        #expect(throws: FileError.notText(file: "a", found: found)) { try TextFile(bytes, name: "a") }
    }

    @Test("A file is as long as it may be, and no byte longer; what is no regular file is refused")
    func bounds() throws {
        let folder = try TemporaryFolder()
        try folder.write(Array("abcd".utf8), to: "a")
        #expect(try TextFile(contentsOf: folder.path("a"), maxByteCount: 4).text == "abcd")
        #expect(throws: FileError.tooLarge(file: folder.path("a"), byteCount: 4, limit: 3)) {
            try TextFile(contentsOf: folder.path("a"), maxByteCount: 3)
        }
        #expect(throws: FileError.notAFile(file: "/dev/zero")) { try TextFile(contentsOf: "/dev/zero") }
    }
}
