import HTTPTypes
import Testing

@testable import HTTPServer
@testable import HTTPServerTestSupport

@Suite(.timeLimit(.minutes(1))) struct RequestParserTests {
    static let host = "Host: a\r\n"

    @Test func `a request is read the same whole, byte by byte and in pieces`() throws {
        let text =
            "POST /predict?top=3 HTTP/1.1\r\nHost: localhost:8080\r\nContent-Length: 5\r\nX-A: b  c \r\n"
            + "X-A:\r\n\r\nhello"
        let run = try #require(ParserRun.agree(text))
        let message = try #require(run.messages.first)
        #expect(run.messages.count == 1 && run.error == nil && run.unread == 0 && message.isWhole)
        #expect(message.head.line == RequestLine(method: .post, target: "/predict?top=3", version: .http11))
        #expect(message.head.target.path == "/predict")
        #expect(message.head.target.query == ["top": "3"])
        #expect(message.head.framing == .fixed(5))
        #expect(message.head.headerFields.map(\.value) == ["localhost:8080", "5", "b  c", ""])
        #expect(message.body == Array("hello".utf8))
    }

    @Test func `pipelined requests are told apart, and trailing bytes left where they are`() throws {
        let text =
            "GET /a HTTP/1.1\r\n\(Self.host)\r\nPOST /b HTTP/1.1\r\n\(Self.host)Content-Length: 3\r\n\r\nxyz"
            + "\r\nPOST /c HTTP/1.1\r\n\(Self.host)Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\nGET /d"
        let run = try #require(ParserRun.agree(text))
        #expect(run.messages.map(\.head.target.path) == ["/a", "/b", "/c"])
        #expect(run.messages.map(\.body) == [[], Array("xyz".utf8), Array("ab".utf8)])
        #expect(run.messages.map(\.isWhole) == [true, true, true])
        #expect(run.error == nil)
        #expect(ParserRun(text).unread == 6)
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", true),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: foo , Close\r\n\r\n", false),
        ("GET / HTTP/1.0\r\n\r\n", false),
        ("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n", false),
    ])
    func `whether the connection stays open follows version and options`(text: String, keepsAlive: Bool) throws {
        let run = try #require(ParserRun.agree(text))
        #expect(run.messages.first?.head.keepsAlive == keepsAlive)
    }

    @Test func `100-continue is an expectation of HTTP 1_1 only`() {
        let fields = "Host: a\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n"
        #expect(ParserRun("POST / HTTP/1.1\r\n" + fields).messages.first?.head.expectsContinue == true)
        #expect(ParserRun("POST / HTTP/1.0\r\n" + fields).messages.first?.head.expectsContinue == false)
    }

    /// What must be refused, with its status.
    static let refused: [(String, Int)] = [
        // Request line
        ("GET /\r\n\r\n", 400), ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400),
        ("GET / http/1.1\r\nHost: a\r\n\r\n", 400), ("GET / HTTP/11\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\nHost: a\n\n", 400), ("GET / HTTP/1.1\r\rHost: a\r\n\r\n", 400),
        (" GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("\u{16}\u{3}\u{1}\u{2}", 400), ("{}", 400),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505), ("GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505), ("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        // Target
        ("GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /\u{1} HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET /é HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /%2 HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET /a%2Fb HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET /%FF HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET /?a=%x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        // Fields
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\nX: a\u{0}b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\nX: a\u{7F}\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\nY: b\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\nXé: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\n\n", 400),
        // Host
        ("GET / HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400), ("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400),
        ("GET http://a/ HTTP/1.1\r\n\r\n", 400), ("GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET http://a:x/ HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET http://a/ HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        // Content-Length
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\ncontent-length: 6\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5 5\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ５\r\n\r\n", 400),
        // Transfer-Encoding
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400),
        ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked,\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked;a=b\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: g(zip\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip;q=1, chunked\r\n\r\n", 501),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", 501),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", 501),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \u{B}chunked\r\n\r\n", 400),
        // Expect
        ("POST / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\nContent-Length: 1\r\n\r\n", 417),
    ]

    @Test(arguments: ["HTTP/1.2", "HTTP/1.9"])
    func `a later minor version is read as 1_1`(version: String) throws {
        let run = try #require(ParserRun.agree("GET / \(version)\r\nHost: a\r\n\r\n"))
        let head = try #require(run.messages.first?.head)
        #expect(run.error == nil && head.line.version == .http11 && head.keepsAlive)
        #expect(ParserRun("GET / \(version)\r\n\r\n").error == .missingHost)
    }

    @Test func `a method may have 64 letters and no more, whether its line has ended or not`() {
        func request(_ count: Int) -> String { String(repeating: "A", count: count) + " / HTTP/1.1\r\nHost: a\r\n\r\n" }
        #expect(ParserRun(request(64)).messages.first?.isWhole == true)
        #expect(ParserRun(request(65)).error?.status == .badRequest)
        #expect(ParserRun(String(repeating: "A", count: 64)).error == nil)
        #expect(ParserRun(String(repeating: "A", count: 65)).error?.status == .badRequest)
    }

    @Test(arguments: [1, 5, .max])
    func `there may be as many fields as the limit and no more`(pieces: Int) {
        var limits = ParserRun.limits
        limits.fieldCount = 5
        func request(_ count: Int) -> String {
            "GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "X:\r\n", count: count - 1) + "\r\n"
        }
        #expect(ParserRun(request(5), pieces: pieces, limits: limits).messages.first?.head.headerFields.count == 5)
        #expect(ParserRun(request(6), pieces: pieces, limits: limits).error == .tooManyFields(limit: 5))
        func trailers(_ count: Int) -> String {
            ChunkedDecoderTests.head + "0\r\n" + String(repeating: "X:\r\n", count: count) + "\r\n"
        }
        #expect(ParserRun(trailers(5), pieces: pieces, limits: limits).messages.first?.isWhole == true)
        let error = ParserRun(trailers(6), pieces: pieces, limits: limits).error
        #expect(error == .tooManyTrailers(limit: 5) && error?.status == .requestHeaderFieldsTooLarge)
    }

    /// The library that holds fields ends the program at 65,535 of them.
    @Test func `whatever the option says, there are never too many fields for the library`() {
        var options = ServerOptions()
        options.maxHeaderBytes = 1 << 20
        options.maxHeaderFields = .max
        func request(_ count: Int) -> String {
            "GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "X:\r\n", count: count - 1) + "\r\n"
        }
        let most = ParserRun(request(65_000), limits: options.parserLimits)
        #expect(most.messages.first?.head.headerFields.count == 65_000)
        #expect(ParserRun(request(65_001), limits: options.parserLimits).error == .tooManyFields(limit: 65_000))
        #expect(ParserRun(request(200_000), limits: options.parserLimits).error == .tooManyFields(limit: 65_000))
    }

    @Test func `a value that is not UTF-8 keeps its bytes, also where a replacement would be as long`() throws {
        // E2 28 A1 is three bytes of no character, and U+FFFD has three.
        for bytes: [UInt8] in [[0xE9], [0xE2, 0x28, 0xA1], [0xF0, 0x90, 0x80], [0xC3, 0xA9]] {
            let run = ParserRun(Array("GET / HTTP/1.1\r\nHost: a\r\nX: ".utf8) + bytes + Array("\r\n\r\n".utf8))
            let field = try #require(run.messages.first?.head.headerFields.last)
            #expect(field.withUnsafeBytesOfValue { Array($0) } == bytes)
        }
    }

    @Test(arguments: refused)
    func `what two parties could read differently is refused`(text: String, status: Int) throws {
        let run = try #require(ParserRun.agree(text), "the pieces matter")
        #expect(run.error?.status.code == status)
        #expect(!run.messages.contains { $0.isWhole })
        let detail = try #require(run.error?.description)
        #expect(detail.hasSuffix(".") && detail.utf8.allSatisfy { $0 >= 0x20 }, "\(detail)")
    }

    @Test(arguments: [
        "GET /" + String(repeating: "a", count: 64) + "\nHost: a",
        String(repeating: "G", count: 65) + " / HTTP/1.1",
        String(repeating: "G", count: 65) + " / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\n" + String(repeating: "X", count: 1024) + "\n",
    ])
    func `a line that breaks two rules is refused for the same one however it comes`(text: String) throws {
        #expect(try #require(ParserRun.agree(text)).error != nil)
    }

    @Test func `a target may be as long as the limit and no longer`() {
        func request(_ count: Int) -> String {
            "GET /" + String(repeating: "a", count: count - 1) + " HTTP/1.1\r\nHost: a\r\n\r\n"
        }
        #expect(ParserRun(request(64)).messages.first?.isWhole == true)
        #expect(ParserRun(request(65)).error == .targetTooLong(limit: 64))
        // Also before its line has ended.
        #expect(ParserRun("GET /" + String(repeating: "a", count: 64)).error == .targetTooLong(limit: 64))
        #expect(ParserRun("GET /" + String(repeating: "a", count: 63)).error == nil)
    }

    @Test(arguments: [
        "Content-Length: 10\r\n\r\n0123456789",
        "Transfer-Encoding: chunked\r\n\r\n7\r\n0123456\r\n3\r\n789\r\n0\r\n\r\n",
    ])
    func `content comes in ranges as long as the caller wants, and no longer`(text: String) throws {
        let bytes = Array("POST / HTTP/1.1\r\nHost: a\r\n\(text)".utf8)
        for most in 1...11 {
            var parser = RequestParser(
                limits: .init(headerByteCount: 1000, targetByteCount: 100, bodyByteCount: 1000))
            var (rest, content) = (bytes, [UInt8]())
            while true {
                let (event, consumed) = try rest.withUnsafeBytes { bytes throws(RequestError) in
                    try parser.next(bytes, mostContent: most)
                }
                if case .end = event { break }
                if case .body(let range) = event {
                    #expect(range.count <= most)
                    content += rest[range]
                }
                rest.removeFirst(consumed)
            }
            #expect(content == Array("0123456789".utf8))
        }
    }

    @Test(arguments: [1, .max])
    func `a head may be as long as the limit and no longer`(pieces: Int) {
        func request(_ count: Int) -> String {
            let rest = "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n"
            return "GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "b", count: count - rest.utf8.count)
                + "\r\n\r\n"
        }
        func cut(_ count: Int) -> String { String(decoding: request(2000).utf8.prefix(count), as: UTF8.self) }
        #expect(request(1024).utf8.count == 1024)
        #expect(ParserRun(request(1024), pieces: pieces).messages.first?.isWhole == true)
        #expect(ParserRun(request(1025), pieces: pieces).error == .headerTooLong(limit: 1024))
        #expect(ParserRun(cut(1024), pieces: pieces).error == .headerTooLong(limit: 1024))
        #expect(ParserRun(cut(1023), pieces: pieces).error == nil)
    }

    @Test func `damaged requests are read the same in all pieces`() throws {
        let good = Array(
            ("POST /a%20b?top=3 HTTP/1.1\r\nHost: a\r\nConnection: close, x\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "3;a=b\r\nabc\r\n0\r\nT: u\r\n\r\nPOST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc").utf8)
        var mutations = Mutations(seed: 1)
        var refused = 0
        for _ in 0..<500 {
            let bytes = mutations.damage(good)
            let run = try #require(ParserRun.agree(bytes), "\(String(decoding: bytes, as: UTF8.self))")
            if run.error != nil { refused += 1 }
        }
        #expect(refused > 100)
    }

    @Test func `the request line is known to an error further on`() {
        var parser = RequestParser(limits: ParserRun.limits)
        let bytes = Array("PUT /x HTTP/1.1\r\nbad\r\n\r\n".utf8)
        let failed = bytes.withUnsafeBytes { raw in
            do throws(RequestError) { _ = try parser.next(raw); return false } catch { return true }
        }
        #expect(failed)
        #expect(parser.requestLine == RequestLine(method: .put, target: "/x", version: .http11))
    }
}
