import Testing

@testable import HTTPServer

@Suite(.timeLimit(.minutes(1))) struct RequestTargetTests {
    @Test(arguments: [
        ("/", "/"), ("/a/b", "/a/b"), ("/a%20b", "/a b"), ("/caf%C3%A9", "/café"), ("/a/./b", "/a/b"),
        ("/a/../b", "/b"), ("/../../a", "/a"), ("/a/%2e%2E/b", "/b"), ("/a/.", "/a/"), ("/a/..", "/"), ("//a", "//a"),
        ("/.well-known", "/.well-known"), ("/a/...", "/a/..."), ("http://h/x?y", "/x"), ("HTTP://h:1", "/"),
        ("http://h?y", "/"), ("https://h/a%20b", "/a b"), ("/a?/../b", "/a"),
    ])
    func `paths are decoded once and without dot segments`(target: String, path: String) throws {
        #expect(try RequestTarget(target, method: .get).path == path)
    }

    @Test func `the query keeps order, repetitions and decoding`() throws {
        let query = try RequestTarget("/?b=1&a=x%26y+z&b=2&c&&d=e=f", method: .get).query
        #expect(query.items.map(\.name) == ["b", "a", "b", "c", "d"])
        #expect(query.values("b") == ["1", "2"])
        #expect(query["b"] == "1" && query["a"] == "x&y z" && query["c"] == "" && query["d"] == "e=f")
        #expect(query["none"] == nil)
    }

    @Test func `the asterisk goes with OPTIONS`() throws {
        #expect(try RequestTarget("*", method: .options).isAsterisk)
        #expect(throws: RequestError.self) { try RequestTarget("*", method: .get) }
    }

    @Test func `a request made in a test takes path and query from its target`() {
        let request = Request(target: "/a%20b?top=3")
        #expect(request.path == "/a b" && request.query["top"] == "3" && request.body == .bytes([]))
    }
}

@Suite(.timeLimit(.minutes(1))) struct HostFieldTests {
    @Test(arguments: [
        "a", "localhost:8080", "example.com:", "192.0.2.1:80", "[::1]", "[2001:db8::1]:443", "[v1.fe:x]",
        "my_host-1.local", "a%20b",
        "xn--nxasmq6b", "a.", "a!$&'()*+;=b", "a:0", "a:65535", "[::ffff:1.2.3.4]", "...",
    ])
    func `names, addresses and ports are hosts`(host: String) { #expect(HostField.isValid(host.utf8)) }

    @Test(arguments: [
        "", ":80", "a b", "a/b", "u@a", "a,b", "a:b", "a:-1", "a:80:80", "a:65536", "a:99999999999999999999", "[::1",
        "::1", "[::1]x",
        "[]", "[1.2.3.4]", "[::g]", "[v.x]", "[v1.]", "a%2", "a%zz", "a\\b", "a?b", "a#b", "a\"b", "<a>", "é",
        "[::1%25eth0]", "a[b]",
        String(repeating: "a", count: 256),
    ])
    func `nothing else is`(host: String) { #expect(!HostField.isValid(host.utf8)) }
}
