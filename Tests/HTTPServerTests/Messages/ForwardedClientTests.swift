import HTTPTypes
import TestSupport
import Testing

@testable import HTTPServer

@Suite(.timeLimit(.minutes(1))) struct ForwardedClientTests {
    private static let trusted = ["10.0.0.0/8", "2001:db8::/32"].compactMap(AddressBlock.init)

    private func client(_ fields: [(String, String)]) throws -> String? {
        var list = HTTPFields()
        for (name, value) in fields { list.append(HTTPField(name: try #require(.init(name)), value: value)) }
        return ForwardedClient.address(in: list, trusted: Self.trusted)
    }

    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1"), ("192.0.2.1, 10.1.1.1", "192.0.2.1"),
        // What the client wrote itself stands before its address, and is not believed.
        ("1.2.3.4, 192.0.2.1", "192.0.2.1"), ("1.2.3.4,192.0.2.1,10.0.0.1", "192.0.2.1"),
        ("192.0.2.1:4711", "192.0.2.1"), ("[2001:db9::1]:80, 10.0.0.1", "2001:db9::1"), ("2001:db9::1", "2001:db9::1"),
        ("10.0.0.1, 10.0.0.2", "10.0.0.1"), (" \t192.0.2.1 ", "192.0.2.1"),
    ])
    func `the last address that is not a proxy's is the client's`(value: String, client: String) throws {
        #expect(try self.client([("X-Forwarded-For", value)]) == client)
    }

    @Test func `a field that is repeated is one list`() throws {
        #expect(
            try client([("X-Forwarded-For", "1.2.3.4"), ("X-Forwarded-For", "192.0.2.1, 10.0.0.1")]) == "192.0.2.1")
    }

    @Test(arguments: [
        ("for=192.0.2.1", "192.0.2.1"), ("for=1.2.3.4, for=192.0.2.1;proto=https;by=10.0.0.1", "192.0.2.1"),
        (#"For="[2001:db9::17]:4711""#, "2001:db9::17"), (#"proto=http;for="192.0.2.1:80""#, "192.0.2.1"),
    ])
    func `the standard field is read by its names`(value: String, client: String) throws {
        #expect(try self.client([("Forwarded", value)]) == client)
    }

    @Test(arguments: [
        "for=unknown", "for=_hidden", "unknown", "", ",", "for=", "proto=https", "for=\"", "a.example", "192.0.2.1.5",
    ])
    func `an address that is hidden or no address is none`(value: String) throws {
        #expect(try client([("Forwarded", value)]) == nil)
        #expect(try client([("X-Forwarded-For", value)]) == nil)
    }

    @Test func `an address behind a hidden one is the last proxy's`() throws {
        #expect(try client([("X-Forwarded-For", "192.0.2.1, unknown, 10.0.0.1")]) == "10.0.0.1")
    }

    @Test func `two fields that contradict each other prove nothing, two that agree do`() throws {
        #expect(try client([("X-Forwarded-For", "192.0.2.1"), ("Forwarded", "for=192.0.2.2")]) == nil)
        #expect(try client([("X-Forwarded-For", "192.0.2.1"), ("Forwarded", "for=192.0.2.1")]) == "192.0.2.1")
    }

    @Test func `a long list is read from its end and no further than 32 addresses`() throws {
        let proxies = Array(repeating: "10.0.0.1", count: 31)
        let list = { (count: Int) in (["192.0.2.1"] + proxies.prefix(count) + ["10.0.0.2"]).joined(separator: ",") }
        #expect(try client([("X-Forwarded-For", list(30))]) == "192.0.2.1")
        #expect(try client([("X-Forwarded-For", list(31))]) == "10.0.0.1")
    }
}

@Suite(.timeLimit(.minutes(2)), .everyPoller) struct ForwardedRequestTests {
    @Test func `a trusted proxy's requests are its clients', another's are its own`() async throws {
        for (trusted, expected) in [("127.0.0.1", "192.0.2.7"), ("127.0.0.2", "127.0.0.1")] {
            let server = try TestServer { $0.trustedProxies = [trusted].compactMap(AddressBlock.init) }
            let client = server.client()
            let answer = await client.ask("GET /hello HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n")
            #expect(answer?.status == 200)
            let state = await server.observer.wait { $0.records.count == 1 }
            #expect(state.records.first?.remoteAddress == expected)
        }
    }

    @Test func `the trace of a request is in its record`() async throws {
        let server = try TestServer()
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        _ = await server.client().ask("GET /hello HTTP/1.1\r\nHost: a\r\ntraceparent: \(trace)\r\n\r\n")
        let state = await server.observer.wait { $0.records.count == 1 }
        #expect(state.records.first?.trace?.traceID == "0af7651916cd43dd8448eb211c80319c")
        #expect(state.records.first?.trace?.parentID == "b7ad6b7169203331")
    }
}
