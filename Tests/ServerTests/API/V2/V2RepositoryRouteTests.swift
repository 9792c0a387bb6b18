import Foundation
import ModelTestSupport
import TestSupport
import Testing

@testable import Server

@Suite(.timeLimit(.minutes(2))) struct V2RepositoryTests {
    private static let secret = "a token of more than sixteen bytes"

    private func server(_ tiny: TinyModel) async throws -> LiveServer {
        try tiny.write("token", Self.secret)
        return try await LiveServer(tiny, adminToken: try AdminToken(file: tiny.path("token")))
    }

    private func post(
        _ server: LiveServer, _ path: String, body: String = "", token: String = Self.secret
    ) async throws -> TestClient.Answer {
        try await server.exchange(
            "POST", "/v2/repository/" + path, fields: ["Authorization": "Bearer \(token)"], body: Array(body.utf8))
    }

    @Test func `a model is unloaded for predictions and readiness, and loaded again`() async throws {
        let server = try await server(try TinyModel())
        let version = try #require(server.store["tiny"]?.model?.version)
        #expect(
            try await post(server, "index").body
                == #"[{"name":"tiny","reason":"","state":"READY","version":"\#(version)"}]"#)
        #expect(
            try await post(server, "models/tiny/unload", body: #"{"parameters":{"unload_dependents":false}}"#).status
                == 200)
        #expect(
            try await post(server, "index").body
                == #"[{"name":"tiny","reason":"unloaded","state":"UNAVAILABLE","version":""}]"#)
        #expect(try await post(server, "index", body: #"{"ready":true}"#).body == "[]")
        let refused = try await server.exchange("POST", "/predict", body: TestPicture.png)
        #expect(refused.status == 503)
        #expect(refused.detail?.contains("/v2/repository/models/tiny/load") == true)
        #expect(try await server.exchange("GET", "/v2/models/tiny/ready").status == 503)
        #expect(try await server.exchange("GET", "/readyz").status == 503)
        let loaded = try await post(server, "models/tiny/load")
        #expect(loaded.status == 200)
        #expect(loaded.body == "{}")
        #expect(try await server.exchange("POST", "/predict", body: TestPicture.png).status == 200)
        await server.stop()
    }

    @Test func `a failed load says why, and the loaded version stays`() async throws {
        let tiny = try TinyModel()
        let server = try await server(tiny)
        try tiny.write("model.safetensors", "nonsense")
        let answer = try await post(server, "models/tiny/load")
        #expect(answer.status == 422)
        #expect(try answer.json()["error"] as? String == answer.detail)
        #expect(answer.detail?.contains("stays") == true)
        #expect(try await server.exchange("POST", "/predict", body: TestPicture.png).status == 200)
        await server.stop()
    }

    @Test(arguments: [
        (#"{"parameters":{"config":"{}"}}"#, "\"config\""),
        (#"{"parameters":{"file:1/model.pth":"AAAA"}}"#, "\"file:1/model.pth\""), ("[]", "JSON object"),
        ("{", "JSON object"),
    ])
    func `parameters of a load are refused by name, and content that is no JSON object`(
        _ body: String, _ expected: String
    ) async throws {
        let server = try await server(try TinyModel())
        let answer = try await post(server, "models/tiny/load", body: body)
        #expect(answer.status == 400)
        #expect(answer.detail?.contains(expected) == true)
        await server.stop()
    }

    @Test(arguments: [0, 1])
    func `content beyond the limit is refused`(_ excess: Int) async throws {
        let server = try await server(try TinyModel())
        let (head, tail) = (#"{"a":""#, #""}"#)
        let count = V2RepositoryRoute.maxByteCount + excess - head.utf8.count - tail.utf8.count
        let answer = try await post(
            server, "models/tiny/load", body: head + String(repeating: "a", count: count) + tail)
        #expect(answer.status == (excess == 0 ? 200 : 413))
        await server.stop()
    }

    @Test func `the routes require the token, and without a token file there are none`() async throws {
        let tiny = try TinyModel()
        let server = try await server(tiny)
        for path in ["index", "models/tiny/load", "models/tiny/unload"] {
            let answer = try await post(server, path, token: "another token of many bytes")
            #expect(answer.status == 401)
            #expect(answer.fields["www-authenticate"] == "Bearer")
        }
        #expect(try await post(server, "models/other/load").status == 404)
        #expect(try await server.exchange("GET", "/v2").body.contains("model_repository"))
        #expect(server.store["tiny"]?.model != nil)
        await server.stop()
        let open = try await LiveServer(tiny)
        #expect(try await open.exchange("POST", "/v2/repository/index").status == 404)
        await open.stop()
    }
}
