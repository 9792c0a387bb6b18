import TestSupport
import Testing

@testable import HTTPServer

@Suite struct ContentDecoderTests {
    private static let text = Array(String(repeating: "All work and no play. ", count: 5000).utf8)

    private static func decode(
        _ pieces: [[UInt8]], _ coding: ContentCoding, limit: Int = 1 << 20
    ) throws(RequestError) -> [UInt8] {
        let decoder = try ContentDecoder(coding, maxByteCount: limit)
        var content: [UInt8] = []
        for piece in pieces {
            let result = piece.withUnsafeBytes { bytes in
                Result { () throws(RequestError) in
                    try decoder.push(bytes) { (inflated) throws(RequestError) in content += inflated }
                }
            }
            try result.get()
        }
        try decoder.finish()
        return content
    }

    @Test func `a body is the same whole, byte by byte and in random pieces`() throws {
        for (coding, coded) in [
            (ContentCoding.gzip, TestCompression.gzip(Self.text)), (.deflate, TestCompression.zlib(Self.text)),
        ] {
            #expect(try Self.decode([coded], coding) == Self.text)
            #expect(try Self.decode(coded.map { [$0] }, coding) == Self.text)
            var generator = SeededGenerator(seed: 7)
            var rest = coded[...]
            var pieces: [[UInt8]] = []
            while !rest.isEmpty {
                let count = Int.random(in: 1...40, using: &generator)
                pieces.append(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            #expect(try Self.decode(pieces, coding) == Self.text)
        }
    }

    @Test func `the limit is for what is inflated, to the byte`() throws {
        for (coding, coded) in [
            (ContentCoding.gzip, TestCompression.gzip(Self.text)), (.deflate, TestCompression.zlib(Self.text)),
        ] {
            #expect(try Self.decode([coded], coding, limit: Self.text.count).count == Self.text.count)
            #expect(throws: RequestError.bodyTooLong(limit: Self.text.count - 1)) {
                try Self.decode([coded], coding, limit: Self.text.count - 1)
            }
        }
    }

    @Test func `a bomb is stopped at its limit and hands on no more than that`() throws {
        let bomb = TestCompression.gzip([UInt8](repeating: 0, count: 64 << 20))
        #expect(bomb.count < 1 << 17)
        let decoder = try ContentDecoder(.gzip, maxByteCount: 100_000)
        var count = 0
        let result = bomb.withUnsafeBytes { bytes in
            Result { () throws(RequestError) in
                try decoder.push(bytes) { (inflated) throws(RequestError) in count += inflated.count }
            }
        }
        #expect(throws: RequestError.bodyTooLong(limit: 100_000)) { try result.get() }
        #expect(count <= 100_000)
    }

    @Test func `a gzip file of several members is their content in order`() throws {
        let coded =
            TestCompression.gzip(Array("one ".utf8)) + TestCompression.gzip([])
            + TestCompression.gzip(Array("two".utf8))
        #expect(try Self.decode([coded], .gzip) == Array("one two".utf8))
        #expect(try Self.decode(coded.map { [$0] }, .gzip) == Array("one two".utf8))
    }

    @Test func `every cut is noticed`() throws {
        let text = Array("a few bytes".utf8)
        for (coding, coded) in [
            (ContentCoding.gzip, TestCompression.gzip(text)), (.deflate, TestCompression.zlib(text)),
        ] {
            for count in 1..<coded.count {
                #expect(throws: RequestError.contentTruncated(coding: coding), "\(count)") {
                    try Self.decode([Array(coded.prefix(count))], coding)
                }
            }
        }
        #expect(try Self.decode([], .gzip).isEmpty)
    }

    @Test func `trailing bytes, a wrong checksum and another format are told apart`() throws {
        let text = Array("a few bytes".utf8)
        for extra in [[UInt8(0)], [0, 0], Array("garbage".utf8)] {
            #expect(throws: RequestError.contentTrailing(coding: .gzip)) {
                try Self.decode([TestCompression.gzip(text) + extra], .gzip)
            }
            #expect(throws: RequestError.contentTrailing(coding: .deflate)) {
                try Self.decode([TestCompression.zlib(text) + extra], .deflate)
            }
        }
        var damaged = TestCompression.gzip(text)
        damaged[damaged.count - 6] ^= 1
        #expect(throws: RequestError.contentDamaged(coding: .gzip)) { try Self.decode([damaged], .gzip) }
        #expect(throws: RequestError.contentDamaged(coding: .gzip)) { try Self.decode([text], .gzip) }
        #expect(throws: RequestError.contentDamaged(coding: .deflate)) {
            try Self.decode([TestCompression.raw(text)], .deflate)
        }
    }

    @Test func `no flipped bit of a small body gets past, and none does harm`() throws {
        let text = Array("a few bytes, and a few bytes more".utf8)
        for (coding, coded) in [
            (ContentCoding.gzip, TestCompression.gzip(text)), (.deflate, TestCompression.zlib(text)),
        ] {
            for index in coded.indices {
                for bit in 0..<8 {
                    var flipped = coded
                    flipped[index] ^= 1 << bit
                    // A few bits of gzip's header (its time, its system) say nothing about the content.
                    if let content = try? Self.decode([flipped], coding) { #expect(content == text) }
                }
            }
        }
    }

    @Test(
        arguments: [
            ([], nil), (["identity"], nil), (["gzip"], .gzip), (["x-gzip"], .gzip), (["deflate"], .deflate),
            (["identity", "gzip"], .gzip),
        ] as [([String], ContentCoding?)])
    func `known codings are found`(names: [String], coding: ContentCoding?) throws {
        #expect(try ContentCoding.of(names) == coding)
    }

    @Test(arguments: [["br"], ["zstd"], ["gzip", "gzip"], ["gzip", "deflate"], ["compress"], ["gzip;q=1"]])
    func `unknown and stacked codings are refused`(names: [String]) {
        #expect(throws: RequestError.contentCoding(found: names.joined(separator: ", "))) {
            try ContentCoding.of(names)
        }
    }
}
