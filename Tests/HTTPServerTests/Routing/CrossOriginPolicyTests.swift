import TestSupport
import Testing

@testable import HTTPServer

@Suite(.timeLimit(.minutes(2)), .everyPoller) struct CrossOriginPolicyTests {
    private func answer(_ request: String, _ policy: CrossOriginPolicy?) async throws -> TestClient.Answer {
        let server = try TestServer { $0.crossOriginPolicy = policy }
        return try #require(await server.client().ask(request))
    }

    private static let listed = CrossOriginPolicy("https://shop.example, http://localhost:3000")
    private static let get = "GET /hello HTTP/1.1\r\nHost: a\r\nOrigin: https://shop.example\r\n\r\n"
    private static let preflight =
        "OPTIONS /echo HTTP/1.1\r\nHost: a\r\nOrigin: https://shop.example\r\n"
        + "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type\r\n\r\n"

    @Test func `without a policy no page of another origin may read anything`() async throws {
        for request in [Self.get, Self.preflight] {
            let fields = try await answer(request, nil).fields
            #expect(fields.keys.allSatisfy { !$0.hasPrefix("access-control") })
            #expect(fields["vary"] == nil)
        }
    }

    @Test func `a listed origin is let in by its name, and caches are told that others are not`() async throws {
        let answer = try await answer(Self.get, Self.listed)
        #expect(answer.status == 200)
        #expect(answer.fields["access-control-allow-origin"] == "https://shop.example")
        #expect(answer.fields["access-control-expose-headers"]?.contains("X-Request-ID") == true)
        #expect(answer.fields["vary"] == "Origin")
    }

    @Test(arguments: [
        "https://shop.example.evil", "http://shop.example", "https://shop.example:8443", "null", "https://SHOP.example",
    ])
    func `another origin is not`(origin: String) async throws {
        for request in [Self.get, Self.preflight] {
            let other = request.replacing("https://shop.example", with: origin)
            let answer = try await answer(other, Self.listed)
            #expect(answer.fields.keys.allSatisfy { !$0.hasPrefix("access-control") })
            #expect(answer.fields["vary"] == "Origin")
        }
    }

    @Test func `everyone is let in by a star, which caches may keep`() async throws {
        let answer = try await answer(Self.get, .everyone)
        #expect(answer.fields["access-control-allow-origin"] == "*")
        #expect(answer.fields["vary"] == nil)
    }

    @Test func `a preflight is told the methods of its path and the fields of the contract`() async throws {
        let answer = try await answer(Self.preflight, Self.listed)
        #expect(answer.status == 204)
        #expect(answer.fields["allow"] == "POST, OPTIONS")
        #expect(answer.fields["access-control-allow-methods"] == "POST, OPTIONS")
        #expect(answer.fields["access-control-allow-headers"]?.contains("Content-Type") == true)
        #expect(answer.fields["access-control-max-age"] == "7200")
    }

    @Test(arguments: [
        "GET /nowhere HTTP/1.1\r\nHost: a\r\nOrigin: https://shop.example\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: a\r\nOrigin: https://shop.example\r\nContent-Length: 99999999\r\n\r\n",
    ])
    func `errors may be read, too`(request: String) async throws {
        let answer = try await answer(request, Self.listed)
        #expect(answer.status >= 400)
        #expect(answer.fields["access-control-allow-origin"] == "https://shop.example")
    }

    @Test(arguments: [
        "https://a.example", "http://localhost:3000,https://a.example", "http://[::1]:8080", "capacitor://localhost",
    ])
    func `origins are written as browsers send them`(text: String) {
        #expect(CrossOriginPolicy(text) != nil)
    }

    @Test(arguments: [
        "a.example", "https://a.example/", "https://A.example", "https://a.example:443", "http://a.example:80",
        "https://",
        "https://a.example,", "*, https://a.example", "https://a example",
    ])
    func `what browsers never send is refused, since it would never match`(text: String) {
        #expect(CrossOriginPolicy(text) == nil)
    }
}
