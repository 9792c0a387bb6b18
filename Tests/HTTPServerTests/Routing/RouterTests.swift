import HTTPTypes
import Testing

@testable import HTTPServer

@Suite struct RouterTests {
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
