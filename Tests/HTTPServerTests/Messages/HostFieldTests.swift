import Testing

@testable import HTTPServer

@Suite struct HostFieldTests {
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
