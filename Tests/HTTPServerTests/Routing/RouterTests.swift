import HTTPTypes
import Logging
import TestSupport
import Testing

@testable import HTTPServer

@Suite(.timeLimit(.minutes(1))) struct RouterTests {
    private let router: Router = {
        var router = Router()
        router.on(.get, "/") { _ in .text("root") }
        router.on(.get, "/v1/models/{model}") { _ in .text("model") }
        router.on(.get, "/v1/models/all") { _ in .text("all") }
        router.on(.post, "/v1/models/{model}/predict", readsBody: true) { _ in .text("predict") }
        router.on(.post, "/v1/models/{model}") { _ in .text("post") }
        return router
    }()

    private func told(_ method: HTTPRequest.Method, _ path: String) -> String {
        switch router.match(method, path) {
        case .found(let route, let parameters): "\(route.pattern) \(parameters["model"] ?? "-")"
        case .notFound: "404"
        case .methodNotAllowed(let allowed): "405 " + allowed.map(\.rawValue).joined(separator: ",")
        }
    }

    @Test func `a path finds its route and parameters`() {
        #expect(told(.get, "/") == "/ -")
        #expect(told(.get, "/v1/models/x y") == "/v1/models/{model} x y")
        #expect(told(.post, "/v1/models/a/predict") == "/v1/models/{model}/predict a")
        #expect(told(.head, "/v1/models/a") == "/v1/models/{model} a")
    }

    @Test func `plain text wins over a parameter`() {
        #expect(told(.get, "/v1/models/all") == "/v1/models/all -")
        #expect(told(.post, "/v1/models/all") == "/v1/models/{model} all")
    }

    @Test func `a parameter may be followed by the rest of its segment`() {
        var router = router
        router.on(.post, "/v1/models/{model}:predict") { _ in .text("") }
        for (path, model) in [("/v1/models/a:predict", "a"), ("/v1/models/a:b:predict", "a:b")] {
            guard case .found(let route, let parameters) = router.match(.post, path) else {
                Issue.record("\(path) is not found")
                continue
            }
            #expect(route.pattern == "/v1/models/{model}:predict" && parameters == ["model": model])
        }
        guard case .methodNotAllowed(let allowed) = router.match(.get, "/v1/models/a:predict") else {
            Issue.record("GET is allowed")
            return
        }
        #expect(allowed == [.post, .options])
        if case .found(let route, _) = router.match(.post, "/v1/models/:predict") {
            #expect(route.pattern != "/v1/models/{model}:predict")
        }
    }

    @Test func `other paths are not found`() {
        for path in ["/v1", "/v1/models/", "/v1/models/a/", "//", "/v1/models/a/b"] {
            #expect(told(.get, path) == "404")
        }
    }

    @Test func `other methods are told what is allowed`() {
        #expect(told(.delete, "/v1/models/a") == "405 GET,HEAD,POST,OPTIONS")
        #expect(told(.get, "/v1/models/a/predict") == "405 POST,OPTIONS")
        #expect(router.allowedMethods == [.get, .head, .post, .options])
    }
}

@Suite(.timeLimit(.minutes(1))) struct ProblemEditTests {
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
