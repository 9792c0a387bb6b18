import TestSupport
import Testing

@testable import HTTPServer

@Suite(.timeLimit(.minutes(1))) struct ContentDecoderTests {
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

@Suite(.timeLimit(.minutes(2)), .everyPoller) struct ContentCodingTests {
    static func request(
        _ body: [UInt8], coding: String, path: String = "/echo", type: String = "text/plain", isChunked: Bool = false
    ) -> [UInt8] {
        let head = "POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Encoding: \(coding)\r\nContent-Type: \(type)\r\n"
        guard isChunked else { return Array((head + "Content-Length: \(body.count)\r\n\r\n").utf8) + body }
        var bytes = Array((head + "Transfer-Encoding: chunked\r\n\r\n").utf8)
        for start in stride(from: 0, to: body.count, by: 7) {
            let chunk = body[start..<min(start + 7, body.count)]
            bytes += Array("\(String(chunk.count, radix: 16))\r\n".utf8) + chunk + Array("\r\n".utf8)
        }
        return bytes + Array("0\r\n\r\n".utf8)
    }

    private static let text = Array("hello, hello, hello and hello".utf8)

    @Test func `bodies arrive inflated, chunked or not, whole or byte by byte, on one connection`() async throws {
        let client = try TestServer().client()
        for (coding, body) in [
            ("gzip", TestCompression.gzip(Self.text)), ("X-GZip", TestCompression.gzip(Self.text)),
            ("deflate", TestCompression.zlib(Self.text)), ("identity", Self.text),
            ("identity, gzip", TestCompression.gzip(Self.text)),
        ] {
            for isChunked in [false, true] {
                let bytes = Self.request(body, coding: coding, isChunked: isChunked)
                await client.send(bytes)
                #expect(await client.answer()?.bytes == Self.text, "\(coding)")
                for byte in bytes { await client.send([byte]) }
                #expect(await client.answer()?.bytes == Self.text, "\(coding)")
            }
        }
        // Pipelined: what follows a coded body is the next request.
        let coded = Self.request(TestCompression.gzip(Self.text), coding: "gzip")
        await client.send(coded + coded)
        for _ in 0..<2 { #expect(await client.answer()?.bytes == Self.text) }
    }

    @Test func `a form may be coded`() async throws {
        let client = try TestServer().client()
        let form = TestPicture.form([("a.png", TestPicture.png), ("b.png", TestPicture.png)])
        for isChunked in [false, true] {
            await client.send(
                Self.request(
                    TestCompression.gzip(form), coding: "gzip", type: "multipart/form-data; boundary=boundary",
                    isChunked: isChunked))
            let count = TestPicture.png.count
            #expect(await client.answer()?.body == "image=\(count),image=\(count)")
        }
    }

    @Test func `the longest body is counted inflated, and a bomb is answered with 413`() async throws {
        let server = try TestServer { $0.maxBodyBytes = 1000 }
        for count in [999, 1000, 1001] {
            for isChunked in [false, true] {
                let client = server.client()
                let body = TestCompression.gzip([UInt8](repeating: 65, count: count))
                await client.send(Self.request(body, coding: "gzip", isChunked: isChunked))
                let answer = await client.answer()
                #expect(answer?.status == (count > 1000 ? 413 : 200), "\(count)")
                if count <= 1000 { #expect(answer?.bytes.count == count) }
            }
        }
        let client = server.client()
        // Half a mebibyte, whose announced length is within the limit.
        let bomb = TestCompression.gzip([UInt8](repeating: 65, count: 512 << 10))
        #expect(bomb.count < 1000)
        await client.send(Self.request(bomb, coding: "gzip"))
        #expect(await client.answer()?.status == 413)
        #expect(await client.isAtEnd())
    }

    @Test func `a long body that is decoded in many turns arrives as it is, with a request behind it`() async throws {
        let server = try TestServer()
        let content =
            (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7) }
            + [UInt8](repeating: 7, count: 8 << 20)
        for isChunked in [false, true] {
            let client = server.client()
            await client.send(Self.request(TestCompression.gzip(content), coding: "gzip", isChunked: isChunked))
            await client.send(Self.request(TestCompression.gzip(Self.text), coding: "gzip", isChunked: isChunked))
            #expect(await client.answer()?.bytes == content)
            #expect(await client.answer()?.bytes == Self.text)
        }
    }

    @Test func `what is inflated takes from the memory for all bodies`() async throws {
        let server = try TestServer { $0.maxBufferedBytes = 5000 }
        for (count, status) in [(5000, 200), (5001, 429)] {
            let client = server.client()
            let body = TestCompression.zlib([UInt8](repeating: 65, count: count))
            await client.send(Self.request(body, coding: "deflate"))
            let answer = await client.answer()
            #expect(answer?.status == status)
            #expect(answer?.fields["retry-after"] == (status == 429 ? "1" : nil))
        }
        let client = server.client()
        await client.send(Self.request(TestCompression.zlib([UInt8](repeating: 65, count: 5000)), coding: "deflate"))
        #expect(await client.answer()?.status == 200)
    }

    @Test func `damaged, cut and trailing data are 400, each with its sentence`() async throws {
        let server = try TestServer()
        let gzip = TestCompression.gzip(Self.text)
        for (body, words) in [
            (Self.text, "are not"), (Array(gzip.dropLast()), "in the middle"), (gzip + [1, 2, 3], "follow the end"),
        ] {
            for isChunked in [false, true] {
                let client = server.client()
                await client.send(Self.request(body, coding: "gzip", isChunked: isChunked))
                let answer = await client.answer()
                #expect(answer?.status == 400 && answer?.body.contains(words) == true, "\(answer?.body ?? "")")
            }
        }
    }

    @Test func `other codings are 415 and told what is taken, before the body is asked for`() async throws {
        let server = try TestServer()
        for coding in ["br", "gzip, gzip", "deflate, gzip", "zstd"] {
            let client = server.client()
            let answer = await client.ask(
                "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Encoding: \(coding)\r\n"
                    + "Content-Length: 9\r\n\r\n")
            #expect(answer?.status == 415 && answer?.fields["accept-encoding"] == "gzip, deflate", "\(coding)")
        }
        // Repeated fields are one list (RFC 9110 §5.3).
        let twice = await server.client().ask(
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx"
        )
        #expect(twice?.status == 415)
        // Where nobody reads the body, nobody minds.
        let ignored = await server.client().ask(
            "POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\nx")
        #expect(ignored?.status == 200)
    }

    @Test func `no body needs no coding`() async throws {
        let client = try TestServer().client()
        let head = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\n"
        #expect(await client.ask(head + "Content-Length: 0\r\n\r\n")?.bytes == [])
        #expect(await client.ask(head + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")?.bytes == [])
    }
}
