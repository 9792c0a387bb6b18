import Testing

@testable import HTTPServer
@testable import HTTPServerTestSupport

@Suite(.timeLimit(.minutes(1))) struct ChunkedDecoderTests {
    static let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"

    @Test func `chunks, extensions and trailers are read, and only data is kept`() throws {
        let text = Self.head + "5\r\nhello\r\n00a;x=\"y\" ; z\r\n, world...\r\n0;last\r\nX-Sum: 1\r\nX-B: 2\r\n\r\nGET"
        let run = try #require(ParserRun.agree(text))
        #expect(run.error == nil)
        #expect(run.messages.first?.isWhole == true)
        #expect(run.messages.first.map { String(decoding: $0.body, as: UTF8.self) } == "hello, world...")
        #expect(run.messages.first?.head.headerFields.count == 2)
    }

    @Test(arguments: [
        "\r\n", "x\r\n", "+5\r\n", "-1\r\n", "0x5\r\n", " 5\r\n", "5 \r\n", "5\nhello\r\n", "5\r\nhelloo\r\n",
        "5\r\nhello\n0\r\n\r\n", "5\r\nhello\rx", "10000000000000000\r\n", "00000000000000005\r\n",
        "5;\u{1}\r\n", "5;\r\n", "5; \r\n", "5;=x\r\n", "5;a=\r\n", "5;a;\r\n", "5;;a\r\n", "5;a b\r\n", "5;a=b c\r\n",
        "5;a=\"b\r\n", "5;a=\"b\\\"\r\n", "5;a=\"b\"c\r\n", "5;(a)\r\n", "5;a=(b)\r\n", "5;a \r\n", "5;é\r\n",
        "0\r\nbad\r\n\r\n", "0\r\nX : y\r\n\r\n", "0\r\n folded\r\n\r\n", "0\r\n\n",
    ])
    func `malformed chunks are refused`(body: String) throws {
        let run = try #require(ParserRun.agree(Self.head + body))
        #expect(run.error?.status == .badRequest)
        #expect(run.messages.first?.isWhole == false)
    }

    @Test(arguments: [
        "5;a", "5;a=b", "5;a=\"b; c\"", "5;a=\"b\\\"c\"", "5 ; a = b ; c", "5;a=\"\"", "5;a=\"é\"", "5\t;a;b=c;d",
    ])
    func `extensions in good order are read over`(line: String) throws {
        let run = try #require(ParserRun.agree(Self.head + line + "\r\nhello\r\n0\r\n\r\n"))
        #expect(run.error == nil && run.messages.first?.body == Array("hello".utf8))
    }

    @Test func `a body may be as long as the limit and no longer`() {
        let most = "32\r\n" + String(repeating: "a", count: 50) + "\r\n"
        #expect(ParserRun(Self.head + most + most + "0\r\n\r\n").messages.first?.isWhole == true)
        #expect(ParserRun(Self.head + most + most + "1\r\n").error == .bodyTooLong(limit: 100))
        #expect(ParserRun(Self.head + "7fffffffffffffff\r\n").error == .bodyTooLong(limit: 100))
        #expect(ParserRun(Self.head + "8000000000000000\r\n").error == .bodyTooLong(limit: 100))
        #expect(ParserRun(Self.head + "ffffffffffffffff\r\n").error == .bodyTooLong(limit: 100))
        #expect(ParserRun(Self.head + most + "7fffffffffffffff\r\n").error == .bodyTooLong(limit: 100))
    }

    @Test(arguments: [1, 1000, .max])
    func `extensions are bounded for the whole body`(pieces: Int) {
        let limit = ChunkedDecoder.maxExtensionByteCount
        func chunk(_ count: Int) -> String { "1;" + String(repeating: "x", count: count - 1) + "\r\na\r\n" }
        #expect(ParserRun(Self.head + chunk(limit - 2) + chunk(2), pieces: pieces).error == nil)
        let error = RequestError.chunkExtensionsTooLong(limit: limit)
        #expect(ParserRun(Self.head + chunk(limit - 2) + chunk(3), pieces: pieces).error == error)
        #expect(ParserRun(Self.head + String(chunk(limit * 2).prefix(limit + 50)), pieces: pieces).error == error)
    }

    @Test(arguments: [1, 1000, .max])
    func `trailers are bounded as the header is`(pieces: Int) {
        func trailers(_ count: Int) -> String { "0\r\nX:" + String(repeating: "x", count: count - 6) + "\r\n\r\n" }
        #expect(ParserRun(Self.head + trailers(1024), pieces: pieces).messages.first?.isWhole == true)
        let error = RequestError.trailersTooLong(limit: 1024)
        #expect(ParserRun(Self.head + trailers(1025), pieces: pieces).error == error)
        #expect(ParserRun(Self.head + String(trailers(3000).prefix(2000)), pieces: pieces).error == error)
        // What is beyond the limit is not looked at: a line that is too long, and does not end in CR LF either.
        let bare = "0\r\nA: b\r\n" + String(repeating: "x", count: 1500) + "\n"
        #expect(ParserRun(Self.head + bare, pieces: pieces).error == error)
    }
}
