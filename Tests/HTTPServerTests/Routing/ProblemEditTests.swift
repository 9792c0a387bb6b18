import HTTPTypes
import Logging
import TestSupport
import Testing

@testable import HTTPServer

@Suite struct ProblemEditTests {
    private static func answer(_ text: String) async throws -> String? {
        var router = Router()
        router.on(.get, "/v2/bad") { _ in .problem(.badRequest, "No \"luck\".") }
        router.on(.get, "/v2/good") { _ in .text("fine") }
        router.editProblems(under: "/v2") { $0.extensions["error"] = $0.detail }
        var options = ServerOptions()
        options.port = 0
        options.maxBodyBytes = 10
        let server = SocketServer(
            options: options, router: router, observer: TestServer.Recorder(),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        let client = TestClient(port: try server.start().port, server: server)
        return await client.ask(text)?.body
    }

    @Test func `a handler's errors are edited as a whole document`() async throws {
        #expect(
            try await Self.answer("GET /v2/bad HTTP/1.1\r\nHost: a\r\n\r\n")
                == #"{"type":"about:blank","title":"Bad Request","status":400,"detail":"No \"luck\".","error":"No \"luck\"."}"#
        )
        #expect(try await Self.answer("GET /v2/good HTTP/1.1\r\nHost: a\r\n\r\n") == "fine")
    }

    @Test(arguments: [
        "GET /v2 HTTP/1.1\r\nHost: a\r\n\r\n", "GET /v2/nowhere HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /%76%32/x HTTP/1.1\r\nHost: a\r\n\r\n", "POST /v2/good HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http://a/v2/x HTTP/1.1\r\n\r\n", "GET /v2/good HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        "GET /v2/good HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n",
        "GET /v2/good HTTP/1.1\r\nX: \(String(repeating: "x", count: 20_000))\r\n\r\n",
        "GET /v2/\(String(repeating: "x", count: 9000)) HTTP/1.1\r\nHost: a\r\n\r\n",
    ])
    func `errors of the router and the connection are edited, too`(request: String) async throws {
        let body = try #require(try await Self.answer(request))
        #expect(body.hasPrefix(#"{"type":"about:blank""#) && body.contains(#","error":""#), "\(body)")
    }

    @Test(arguments: [
        "GET /v22 HTTP/1.1\r\nHost: a\r\n\r\n", "GET /other/v2 HTTP/1.1\r\nHost: a\r\n\r\n", "nonsense\r\n\r\n",
    ])
    func `errors elsewhere are not`(request: String) async throws {
        let body = try #require(try await Self.answer(request))
        #expect(body.hasPrefix(#"{"type":"about:blank""#) && !body.contains(#""error""#), "\(body)")
    }
}
