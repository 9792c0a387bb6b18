extension HTTPCaseGroup {
    static let methods = HTTPCaseGroup(
        title: "Methods",
        cases: [
            HTTPCase(
                "HEAD", "RFC 9110 §9.3.2", bytes: Array(HTTPCase.request("HEAD /healthz HTTP/1.1").utf8), [200], .stays,
                isHead: true),
            HTTPCase(
                "HEAD of a path that does not exist", "RFC 9110 §9.3.2",
                bytes: Array(HTTPCase.request("HEAD /nothing HTTP/1.1").utf8), [404], .stays, isHead: true),
            HTTPCase(
                "HEAD of a path that takes POST", "RFC 9110 §15.5.6",
                bytes: Array(HTTPCase.request("HEAD /predict HTTP/1.1").utf8), [405], .stays, isHead: true),
            HTTPCase("OPTIONS", "RFC 9110 §9.3.7", HTTPCase.request("OPTIONS /predict HTTP/1.1"), 204, .stays),
            HTTPCase("OPTIONS of the server", "RFC 9110 §9.3.7", HTTPCase.request("OPTIONS * HTTP/1.1"), 204, .stays),
            HTTPCase("GET of the server", "RFC 9112 §3.2.4", HTTPCase.request("GET * HTTP/1.1"), 400, .closes),
            HTTPCase(
                "OPTIONS of a path that does not exist", "RFC 9110 §9.3.7",
                HTTPCase.request("OPTIONS /nothing HTTP/1.1"), 404, .stays),
            HTTPCase(
                "GET of a path that takes POST", "RFC 9110 §15.5.6", HTTPCase.request("GET /predict HTTP/1.1"), 405,
                .stays),
            HTTPCase("DELETE", "RFC 9110 §15.5.6", HTTPCase.request("DELETE /healthz HTTP/1.1"), 405, .stays),
            HTTPCase(
                "PUT with content", "RFC 9110 §15.5.6",
                HTTPCase.request("PUT /healthz HTTP/1.1", ["Content-Length: 4"], body: "abcd"), 405, .closes),
            HTTPCase("TRACE", "RFC 9110 §9.3.8", HTTPCase.request("TRACE /healthz HTTP/1.1"), 405, .stays),
            HTTPCase("CONNECT", "RFC 9110 §9.3.6", HTTPCase.request("CONNECT a:443 HTTP/1.1"), 501, .closes),
            HTTPCase(
                "a method that nobody knows", "RFC 9110 §15.6.2", HTTPCase.request("BREW /nothing HTTP/1.1"), 501,
                .stays),
            HTTPCase(
                "a method that nobody knows, of a path that exists", "RFC 9110 §15.5.6",
                HTTPCase.request("BREW /healthz HTTP/1.1"), 405, .stays),
            HTTPCase(
                "a preflight of another origin", "RFC 9110 §9.3.7",
                HTTPCase.request(
                    "OPTIONS /predict HTTP/1.1", ["Origin: http://b", "Access-Control-Request-Method: POST"]), 204,
                .stays),
        ])

    static let persistence = HTTPCaseGroup(
        title: "Persistence",
        cases: [
            HTTPCase("Connection: close", "RFC 9112 §9.6", HTTPCase.get("Connection: close"), 200, .closes),
            HTTPCase(
                "Connection: Close in other letters", "RFC 9110 §7.6.1", HTTPCase.get("Connection: CLOSE"), 200, .closes
            ),
            HTTPCase("close in a list", "RFC 9110 §7.6.1", HTTPCase.get("Connection: x, close"), 200, .closes),
            HTTPCase(
                "close in a second field", "RFC 9110 §7.6.1",
                HTTPCase.get("Connection: keep-alive", "Connection: close"), 200, .closes),
            HTTPCase("keep-alive in HTTP/1.1", "RFC 9112 §9.3", HTTPCase.get("Connection: keep-alive"), 200, .stays),
            HTTPCase("HTTP/1.0", "RFC 9112 §9.3", HTTPCase.request("GET /healthz HTTP/1.0"), 200, .closes),
            HTTPCase(
                "HTTP/1.0 with keep-alive", "RFC 9112 §9.3",
                HTTPCase.request("GET /healthz HTTP/1.0", ["Connection: keep-alive"]), 200, .stays),
            HTTPCase(
                "HTTP/1.0 with keep-alive and close", "RFC 9112 §9.3",
                HTTPCase.request("GET /healthz HTTP/1.0", ["Connection: keep-alive, close"]), 200, .closes),
            HTTPCase(
                "two requests at once", "RFC 9112 §9.3.2",
                bytes: Array((HTTPCase.get() + HTTPCase.request("GET /nothing HTTP/1.1")).utf8), [200, 404], .stays),
            HTTPCase(
                "five requests at once", "RFC 9112 §9.3.2",
                bytes: Array(String(repeating: HTTPCase.get(), count: 5).utf8), [200, 200, 200, 200, 200], .stays),
            HTTPCase(
                "a prediction, then another request at once", "RFC 9112 §9.3.2",
                bytes: HTTPCase.post(Sample.png) + Array(HTTPCase.get().utf8), [200, 200], .stays),
            HTTPCase(
                "an empty line between two requests", "RFC 9112 §2.2",
                bytes: Array((HTTPCase.get() + "\r\n" + HTTPCase.get()).utf8), [200, 200], .stays),
            HTTPCase(
                "a request after one that says close", "RFC 9112 §9.6",
                bytes: Array((HTTPCase.get("Connection: close") + HTTPCase.get()).utf8), [200], .closes),
            HTTPCase(
                "a malformed request after a good one", "RFC 9112 §9.3.2",
                bytes: Array((HTTPCase.get() + "nonsense\r\n\r\n").utf8), [200, 400], .closes),
            HTTPCase(
                "content of a GET that looks like a request", "RFC 9112 §11.2",
                bytes: Array(
                    HTTPCase.request(
                        "GET /healthz HTTP/1.1", ["Content-Length: \(HTTPCase.get().utf8.count)"], body: HTTPCase.get()
                    ).utf8), [200], .stays),
        ])

    private static func ending(
        _ name: String, _ text: String, _ statuses: [Int], _ fate: HTTPCase.Fate, _ rule: String = "RFC 9112 §8"
    ) -> HTTPCase {
        HTTPCase(name, rule, bytes: Array(text.utf8), statuses, fate, endsStream: true)
    }

    static let partialRequests = HTTPCaseGroup(
        title: "Clients that end their stream",
        cases: [
            ending("before a request", "", [], .ends),
            ending("after an empty line", "\r\n", [], .ends),
            ending("after a whole request", HTTPCase.get(), [200], .stays, "RFC 9112 §9.6"),
            ending("after two whole requests", HTTPCase.get() + HTTPCase.get(), [200, 200], .stays, "RFC 9112 §9.6"),
            ending("in the middle of the request line", "GET /heal", [], .ends),
            ending("in the middle of the fields", "GET /healthz HTTP/1.1\r\nHost: a\r\n", [], .ends),
            ending(
                "in the middle of content",
                HTTPCase.request("POST /predict HTTP/1.1", ["Content-Length: 9"], body: "abcd"), [], .ends),
            ending("in the middle of a chunk", HTTPCase.chunked("9\r\nabcd"), [], .ends),
            ending("before the last chunk", HTTPCase.chunked("4\r\nabcd\r\n"), [], .ends),
            ending("in the middle of the trailers", HTTPCase.chunked("4\r\nabcd\r\n0\r\nX: y\r\n"), [], .ends),
            ending("after a request and half of another", HTTPCase.get() + "GET /", [200], .stays),
        ])
}
