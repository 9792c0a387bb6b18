import HTTPTypes
import Testing

@testable import HTTPServer

@Suite(.timeLimit(.minutes(1))) struct ResponseWriterTests {
    private func head(_ response: Response, _ edit: (inout ResponseWriter.Context) -> Void = { _ in }) -> String {
        var context = ResponseWriter.Context(requestID: "r1", date: "Sun, 06 Nov 1994 08:49:37 GMT")
        edit(&context)
        return String(decoding: ResponseWriter.head(response, context), as: UTF8.self)
    }

    @Test func `a head has the handler's fields and the connection's own`() {
        #expect(
            head(.text("hello"))
                == "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n"
                + "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nX-Request-ID: r1\r\n\r\n")
        #expect(head(.text("")) { $0.closes = true }.hasSuffix("\r\nConnection: close\r\n\r\n"))
        #expect(head(.text("")) { $0.tellsKeepAlive = true }.hasSuffix("\r\nConnection: keep-alive\r\n\r\n"))
    }

    @Test func `a handler cannot break the framing`() {
        let fields: HTTPFields = [
            .contentLength: "77", .transferEncoding: "chunked", .connection: "upgrade", .location: "a\r\nX: y",
        ]
        let text = head(Response(headerFields: fields, body: [1]))
        #expect(text.contains("\r\nContent-Length: 1\r\n") && !text.contains("77"))
        #expect(!text.contains("chunked") && !text.contains("upgrade") && !text.contains("\nX: y"))
    }

    @Test func `204 and 304 have no content and HEAD has no body`() {
        let context = ResponseWriter.Context(requestID: "", date: "", isHead: false)
        let headContext = ResponseWriter.Context(requestID: "", date: "", isHead: true)
        for status in [HTTPResponse.Status.noContent, .notModified] {
            let response = Response(status: status, body: [1])
            #expect(!head(response).contains("Content-Length"))
            #expect(!ResponseWriter.sendsBody(response, context))
        }
        #expect(ResponseWriter.sendsBody(.text("a"), context))
        #expect(!ResponseWriter.sendsBody(.text("a"), headContext))
        #expect(head(.text("abc")) { $0.isHead = true }.contains("Content-Length: 3\r\n"))
    }

    @Test func `a problem is written as RFC 9457 wants it`() {
        let problem = Response.problem(.notFound, "no \"x\"\n\u{1}\\", headerFields: [.retryAfter: "1"])
        #expect(problem.headerFields[.contentType] == "application/problem+json")
        #expect(problem.headerFields[.retryAfter] == "1")
        #expect(
            String(decoding: problem.body, as: UTF8.self)
                == #"{"type":"about:blank","title":"Not Found","status":404,"detail":"no \"x\"\n\u0001\\"}"#)
    }

    @Test func `JSON has sorted keys, and what JSON cannot hold is a 500`() {
        let response = Response.json(["b": 1, "a": 2], status: .created)
        #expect(String(decoding: response.body, as: UTF8.self) == #"{"a":2,"b":1}"#)
        #expect(response.status == .created)
        #expect(Response.json([Double.nan]).status == .internalServerError)
    }

    @Test(arguments: [
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (1_709_210_096, "Thu, 29 Feb 2024 12:34:56 GMT"),
    ])
    func `dates are IMF-fixdates`(second: Int, text: String) {
        #expect(HTTPDate.text(second) == text)
    }

    @Test func `only sane identifiers are taken from clients`() {
        #expect(RequestID.sane("a-b.c_9") == "a-b.c_9")
        #expect(RequestID.sane(String(repeating: "a", count: 128)) != nil)
        for text in [nil, "", "a b", "é", "a\n", String(repeating: "a", count: 129)] {
            #expect(RequestID.sane(text) == nil)
        }
        #expect(RequestID.sane(RequestID.generate()) != nil)
    }

    @Test func `no identifier is made twice`() {
        let identifiers = (0..<10_000).map { _ in RequestID.generate() }
        #expect(Set(identifiers).count == identifiers.count)
        #expect(identifiers.allSatisfy { $0.utf8.count == 16 })
    }
}
