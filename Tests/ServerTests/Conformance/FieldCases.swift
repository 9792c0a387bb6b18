extension HTTPCaseGroup {
    static let fields = HTTPCaseGroup(
        title: "Fields",
        cases: [
            HTTPCase("a field that nobody knows", "RFC 9110 §5.1", HTTPCase.get("X-Unknown: y"), 200, .stays),
            HTTPCase("a field without a value", "RFC 9110 §5.5", HTTPCase.get("X:"), 200, .stays),
            HTTPCase("blanks and tabs around a value", "RFC 9112 §5.1", HTTPCase.get("X: \t y \t "), 200, .stays),
            HTTPCase("a value of bytes above 127", "RFC 9110 §5.5", HTTPCase.get("X: é"), 200, .stays),
            HTTPCase(
                "a name of every mark that a token may have", "RFC 9110 §5.6.2", HTTPCase.get("a!#$%&'*+-.^_`|~1: y"),
                200, .stays),
            HTTPCase("a blank before the colon", "RFC 9112 §5.1", HTTPCase.get("X : y"), 400, .closes),
            HTTPCase("a tab before the colon", "RFC 9112 §5.1", HTTPCase.get("X\t: y"), 400, .closes),
            HTTPCase(
                "a blank before Content-Length's colon", "RFC 9112 §5.1",
                HTTPCase.request("POST /predict HTTP/1.1", ["Content-Length : 4"], body: "abcd"), 400, .closes),
            HTTPCase("a line without a colon", "RFC 9112 §5", HTTPCase.get("X"), 400, .closes),
            HTTPCase("an empty name", "RFC 9110 §5.1", HTTPCase.get(": y"), 400, .closes),
            HTTPCase("a name that is no token", "RFC 9110 §5.1", HTTPCase.get("X(y): z"), 400, .closes),
            HTTPCase("a name with a byte above 127", "RFC 9110 §5.1", HTTPCase.get("É: z"), 400, .closes),
            HTTPCase("a folded line", "RFC 9112 §5.2", HTTPCase.get("X: y\r\n z"), 400, .closes),
            HTTPCase("a folded line with a tab", "RFC 9112 §5.2", HTTPCase.get("X: y\r\n\tz"), 400, .closes),
            HTTPCase(
                "a blank before the first field", "RFC 9112 §2.2", "GET /healthz HTTP/1.1\r\n Host: a\r\n\r\n", 400,
                .closes),
            HTTPCase("a NUL in a value", "RFC 9110 §5.5", HTTPCase.get("X: a\0b"), 400, .closes),
            HTTPCase("a bare CR in a value", "RFC 9112 §2.2", HTTPCase.get("X: a\rb"), 400, .closes),
            HTTPCase("a bare LF after a field", "RFC 9112 §2.2", HTTPCase.get("X: a\nY: b"), 400, .closes),
            HTTPCase("a control character in a value", "RFC 9110 §5.5", HTTPCase.get("X: a\u{7}b"), 400, .closes),
            HTTPCase("a DEL in a value", "RFC 9110 §5.5", HTTPCase.get("X: a\u{7F}b"), 400, .closes),
            HTTPCase(
                "a head that ends in bare LFs", "RFC 9112 §2.2", "GET /healthz HTTP/1.1\r\nHost: a\n\n", 400, .closes),
            HTTPCase(
                "128 fields", "RFC 6585 §5",
                HTTPCase.request("GET /healthz HTTP/1.1", Array(repeating: "X: y", count: 127)), 200, .stays),
            HTTPCase(
                "129 fields", "RFC 6585 §5",
                HTTPCase.request("GET /healthz HTTP/1.1", Array(repeating: "X: y", count: 128)), 431, .closes),
            HTTPCase(
                "a head of 16 KiB", "RFC 6585 §5", HTTPCase.get("X: " + String(repeating: "a", count: 16384 - 39)), 200,
                .stays),
            HTTPCase(
                "a head of 16 KiB and a byte", "RFC 6585 §5",
                HTTPCase.get("X: " + String(repeating: "a", count: 16384 - 38)), 431, .closes),
            HTTPCase(
                "a field that never ends", "RFC 6585 §5",
                "GET /healthz HTTP/1.1\r\nX: " + String(repeating: "a", count: 20_000), 431, .closes),
            HTTPCase(
                "an identifier with a line end, percent-encoded", "RFC 9110 §5.5",
                HTTPCase.get("X-Request-ID: a%0d%0aX: y"), 200, .stays),
            HTTPCase(
                "Connection that names a field", "RFC 9110 §7.6.1", HTTPCase.get("Connection: X-Request-ID"), 200,
                .stays),
            HTTPCase(
                "Upgrade to a WebSocket", "RFC 9110 §7.8", HTTPCase.get("Connection: Upgrade", "Upgrade: websocket"),
                200, .stays),
            HTTPCase(
                "Upgrade to h2c", "RFC 9110 §7.8",
                HTTPCase.get("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"), 200,
                .stays),
            HTTPCase("Range", "RFC 9110 §14.2", HTTPCase.get("Range: bytes=0-1"), 200, .stays),
            HTTPCase("If-None-Match", "RFC 9110 §13.1.2", HTTPCase.get("If-None-Match: *"), 200, .stays),
        ])

    static let expectations = HTTPCaseGroup(
        title: "Expect",
        cases: [
            HTTPCase(
                "100-continue, the content at once", "RFC 9110 §10.1.1",
                bytes: HTTPCase.post(Sample.png, "Content-Type: image/png", "Expect: 100-continue"), [200], .stays),
            HTTPCase(
                "100-Continue in other letters", "RFC 9110 §10.1.1",
                bytes: HTTPCase.post(Sample.png, "Content-Type: image/png", "Expect: 100-Continue"), [200], .stays),
            HTTPCase(
                "100-continue without content", "RFC 9110 §10.1.1", HTTPCase.get("Expect: 100-continue"), 200, .stays),
            HTTPCase(
                "100-continue in HTTP/1.0", "RFC 9110 §10.1.1",
                bytes: HTTPCase.post(
                    Sample.png, "Content-Type: image/png", "Expect: 100-continue", line: "POST /predict HTTP/1.0"),
                [200], .closes),
            HTTPCase("another expectation", "RFC 9110 §15.5.18", HTTPCase.get("Expect: a-miracle"), 417, .closes),
            HTTPCase(
                "100-continue and another one", "RFC 9110 §10.1.1", HTTPCase.get("Expect: 100-continue, a-miracle"),
                417, .closes),
            HTTPCase(
                "100-continue for content that is too long", "RFC 9110 §10.1.1",
                HTTPCase.request("POST /predict HTTP/1.1", ["Expect: 100-continue", "Content-Length: 4097"]), 413,
                .closes),
            HTTPCase(
                "100-continue for a path that does not exist", "RFC 9110 §10.1.1",
                HTTPCase.request("POST /nothing HTTP/1.1", ["Expect: 100-continue", "Content-Length: 4"]), 404, .closes),
            HTTPCase(
                "100-continue for a wrong method", "RFC 9110 §10.1.1",
                HTTPCase.request("POST /healthz HTTP/1.1", ["Expect: 100-continue", "Content-Length: 4"]), 405, .closes),
        ])
}
