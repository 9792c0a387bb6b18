extension HTTPCaseGroup {
    static let requestLines = HTTPCaseGroup(
        title: "Request lines",
        cases: [
            HTTPCase("a request", "RFC 9112 §3", HTTPCase.get(), 200, .stays),
            HTTPCase("an empty line before it", "RFC 9112 §2.2", "\r\n" + HTTPCase.get(), 200, .stays),
            HTTPCase("two empty lines before it", "RFC 9112 §2.2", "\r\n\r\n" + HTTPCase.get(), 400, .closes),
            HTTPCase("a bare LF before it", "RFC 9112 §2.2", "\n" + HTTPCase.get(), 400, .closes),
            HTTPCase("a blank before it", "RFC 9112 §3", " " + HTTPCase.get(), 400, .closes),
            HTTPCase(
                "a line that ends in a bare LF", "RFC 9112 §2.2", "GET /healthz HTTP/1.1\nHost: a\r\n\r\n", 400, .closes
            ),
            HTTPCase(
                "a bare CR in the line", "RFC 9112 §2.2", "GET /heal\rthz HTTP/1.1\r\nHost: a\r\n\r\n", 400, .closes),
            HTTPCase(
                "two blanks after the method", "RFC 9112 §3", HTTPCase.request("GET  /healthz HTTP/1.1"), 400, .closes),
            HTTPCase(
                "two blanks before the version", "RFC 9112 §3", HTTPCase.request("GET /healthz  HTTP/1.1"), 400, .closes
            ),
            HTTPCase(
                "a tab between the parts", "RFC 9112 §3", HTTPCase.request("GET\t/healthz\tHTTP/1.1"), 400, .closes),
            HTTPCase("a blank at the end", "RFC 9112 §3", HTTPCase.request("GET /healthz HTTP/1.1 "), 400, .closes),
            HTTPCase("no version, as in HTTP/0.9", "RFC 9112 §3", "GET /healthz\r\n\r\n", 400, .closes),
            HTTPCase("no target", "RFC 9112 §3", HTTPCase.request("GET HTTP/1.1"), 400, .closes),
            HTTPCase("a method alone", "RFC 9112 §3", "GET\r\n\r\n", 400, .closes),
            HTTPCase("HTTP/1.0 without Host", "RFC 9112 §3.2", "GET /healthz HTTP/1.0\r\n\r\n", 200, .closes),
            HTTPCase("HTTP/1.2", "RFC 9112 §2.3", HTTPCase.request("GET /healthz HTTP/1.2"), 200, .stays),
            HTTPCase("HTTP/1.9", "RFC 9112 §2.3", HTTPCase.request("GET /healthz HTTP/1.9"), 200, .stays),
            HTTPCase("HTTP/2.0", "RFC 9110 §15.6.6", HTTPCase.request("GET /healthz HTTP/2.0"), 505, .closes),
            HTTPCase(
                "HTTP/0.9 with its name", "RFC 9110 §15.6.6", HTTPCase.request("GET /healthz HTTP/0.9"), 505, .closes),
            HTTPCase("HTTP/1.10", "RFC 9112 §2.3", HTTPCase.request("GET /healthz HTTP/1.10"), 400, .closes),
            HTTPCase("HTTP/1", "RFC 9112 §2.3", HTTPCase.request("GET /healthz HTTP/1"), 400, .closes),
            HTTPCase(
                "http/1.1 in small letters", "RFC 9112 §2.3", HTTPCase.request("GET /healthz http/1.1"), 400, .closes),
            HTTPCase("HTTPS/1.1", "RFC 9112 §2.3", HTTPCase.request("GET /healthz HTTPS/1.1"), 400, .closes),
            HTTPCase("HTTP/+1.1", "RFC 9112 §2.3", HTTPCase.request("GET /healthz HTTP/+1.1"), 400, .closes),
            HTTPCase("HTTP/2's preface", "RFC 9113 §3.4", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, .closes),
            HTTPCase(
                "the beginning of TLS", "RFC 8446 §5.1", bytes: [0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3], [400], .closes),
            HTTPCase(
                "bytes that are no text", "RFC 9112 §2.2", bytes: [0xFF, 0xFE, 0, 1, 13, 10, 13, 10], [400], .closes),
            HTTPCase("a NUL in the method", "RFC 9110 §9.1", HTTPCase.request("G\0T /healthz HTTP/1.1"), 400, .closes),
            HTTPCase(
                "a method that is no token", "RFC 9110 §9.1", HTTPCase.request("GE(T /healthz HTTP/1.1"), 400, .closes),
            HTTPCase(
                "a method of small letters", "RFC 9110 §9.1", HTTPCase.request("get /healthz HTTP/1.1"), 405, .stays),
            HTTPCase(
                "a method of 64 letters", "RFC 9110 §9.1",
                HTTPCase.request(String(repeating: "A", count: 64) + " /healthz HTTP/1.1"), 405, .stays),
            HTTPCase(
                "a method of 65 letters", "RFC 9112 §3",
                HTTPCase.request(String(repeating: "A", count: 65) + " /healthz HTTP/1.1"), 400, .closes),
            HTTPCase(
                "a target of 8,192 bytes", "RFC 9112 §3",
                HTTPCase.request("GET /healthz?" + String(repeating: "a", count: 8183) + " HTTP/1.1"), 200, .stays),
            HTTPCase(
                "a target of 8,193 bytes", "RFC 9110 §15.5.15",
                HTTPCase.request("GET /healthz?" + String(repeating: "a", count: 8184) + " HTTP/1.1"), 414, .closes),
        ])

    static let targets = HTTPCaseGroup(
        title: "Targets",
        cases: [
            HTTPCase(
                "an absolute target", "RFC 9112 §3.2.2", HTTPCase.request("GET http://a/healthz HTTP/1.1"), 200, .stays),
            HTTPCase(
                "an absolute target with a query", "RFC 9112 §3.2.2",
                HTTPCase.request("GET http://a:80/healthz?x HTTP/1.1"), 200, .stays),
            HTTPCase(
                "an absolute target without a path", "RFC 9112 §3.2.2", HTTPCase.request("GET http://a HTTP/1.1"), 200,
                .stays),
            HTTPCase(
                "an absolute target of another host than Host's", "RFC 9112 §3.2.2",
                HTTPCase.request("GET http://b/healthz HTTP/1.1"), 200, .stays),
            HTTPCase(
                "an absolute target without a host", "RFC 9110 §4.2.1",
                HTTPCase.request("GET http:///healthz HTTP/1.1"), 400, .closes),
            HTTPCase(
                "an absolute target with a user", "RFC 9110 §4.2.4",
                HTTPCase.request("GET http://u:p@a/healthz HTTP/1.1"), 400, .closes),
            HTTPCase(
                "an absolute target with a port that is no number", "RFC 9110 §4.2.1",
                HTTPCase.request("GET http://a:b/healthz HTTP/1.1"), 400, .closes),
            HTTPCase(
                "another scheme", "RFC 9112 §3.2.2", HTTPCase.request("GET ftp://a/healthz HTTP/1.1"), 400, .closes),
            HTTPCase(
                "a target without a slash", "RFC 9112 §3.2.1", HTTPCase.request("GET healthz HTTP/1.1"), 400, .closes),
            HTTPCase("a fragment", "RFC 9112 §3.2", HTTPCase.request("GET /healthz#a HTTP/1.1"), 400, .closes),
            HTTPCase(
                "a percent-encoded letter", "RFC 3986 §2.3", HTTPCase.request("GET /%68ealthz HTTP/1.1"), 200, .stays),
            HTTPCase(
                "a percent sign without digits", "RFC 3986 §2.1", HTTPCase.request("GET /healthz%zz HTTP/1.1"), 400,
                .closes),
            HTTPCase(
                "a percent sign at the end", "RFC 3986 §2.1", HTTPCase.request("GET /healthz% HTTP/1.1"), 400, .closes),
            HTTPCase("an encoded NUL", "RFC 3986 §7.3", HTTPCase.request("GET /healthz%00 HTTP/1.1"), 400, .closes),
            HTTPCase(
                "an encoded slash in a name", "RFC 3986 §2.2",
                HTTPCase.request("GET /v1/models/..%2f..%2fetc HTTP/1.1"), 400, .closes),
            HTTPCase(
                "dots that leave the root", "RFC 3986 §5.2.4", HTTPCase.request("GET /../../etc/passwd HTTP/1.1"), 404,
                .stays),
            HTTPCase("dots within", "RFC 3986 §5.2.4", HTTPCase.request("GET /v1/../healthz HTTP/1.1"), 200, .stays),
            HTTPCase("two slashes", "RFC 3986 §3.3", HTTPCase.request("GET //healthz HTTP/1.1"), 404, .stays),
            HTTPCase("a slash at the end", "RFC 3986 §3.3", HTTPCase.request("GET /healthz/ HTTP/1.1"), 404, .stays),
            HTTPCase(
                "a quotation mark in the target", "RFC 9112 §3.2", HTTPCase.request("GET /heal\"thz HTTP/1.1"), 404,
                .stays),
            HTTPCase(
                "a byte above 127 in the target", "RFC 3986 §2", HTTPCase.request("GET /hé HTTP/1.1"), 400, .closes),
            HTTPCase(
                "a control character in the target", "RFC 3986 §2", HTTPCase.request("GET /heal\u{1}thz HTTP/1.1"), 400,
                .closes),
            HTTPCase(
                "a query that the path does not know", "RFC 9110 §15.5.1",
                HTTPCase.request("GET /classes?x=1 HTTP/1.1"), 400, .stays),
            HTTPCase(
                "a query that a probe adds", "RFC 9110 §4.2.1", HTTPCase.request("GET /healthz?x=1 HTTP/1.1"), 200,
                .stays),
            HTTPCase(
                "a path that does not exist", "RFC 9110 §15.5.5", HTTPCase.request("GET /nothing HTTP/1.1"), 404, .stays
            ),
            HTTPCase(
                "a model that does not exist", "RFC 9110 §15.5.5", HTTPCase.request("GET /v1/models/none HTTP/1.1"),
                404, .stays),
        ])

    static let hosts = HTTPCaseGroup(
        title: "Host",
        cases: [
            HTTPCase("HTTP/1.1 without Host", "RFC 9112 §3.2", "GET /healthz HTTP/1.1\r\n\r\n", 400, .closes),
            HTTPCase("Host twice", "RFC 9112 §3.2", HTTPCase.get("Host: a"), 400, .closes),
            HTTPCase(
                "Host twice in HTTP/1.0", "RFC 9112 §3.2", HTTPCase.request("GET /healthz HTTP/1.0", ["Host: a"]), 400,
                .closes),
            HTTPCase("an empty Host", "RFC 9112 §3.2", "GET /healthz HTTP/1.1\r\nHost:\r\n\r\n", 400, .closes),
            HTTPCase(
                "a Host with a port", "RFC 9110 §7.2", "GET /healthz HTTP/1.1\r\nHost: a:8080\r\n\r\n", 200, .stays),
            HTTPCase(
                "a Host with an empty port", "RFC 3986 §3.2.3", "GET /healthz HTTP/1.1\r\nHost: a:\r\n\r\n", 200, .stays
            ),
            HTTPCase(
                "a Host of an IPv6 address", "RFC 3986 §3.2.2", "GET /healthz HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 200,
                .stays),
            HTTPCase(
                "a Host with a port that is no number", "RFC 9110 §7.2", "GET /healthz HTTP/1.1\r\nHost: a:x\r\n\r\n",
                400, .closes),
            HTTPCase("a Host with a user", "RFC 9110 §7.2", "GET /healthz HTTP/1.1\r\nHost: u@a\r\n\r\n", 400, .closes),
            HTTPCase("a Host with a path", "RFC 9110 §7.2", "GET /healthz HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, .closes),
            HTTPCase(
                "a Host of two names", "RFC 9110 §7.2", "GET /healthz HTTP/1.1\r\nHost: a, b\r\n\r\n", 400, .closes),
            HTTPCase(
                "a Host with a blank", "RFC 9110 §7.2", "GET /healthz HTTP/1.1\r\nHost: a b\r\n\r\n", 400, .closes),
            HTTPCase(
                "a Host with an open bracket", "RFC 3986 §3.2.2", "GET /healthz HTTP/1.1\r\nHost: [::1\r\n\r\n", 400,
                .closes),
        ])
}
