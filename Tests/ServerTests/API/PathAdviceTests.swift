import HTTPTypes
import ModelTestSupport
import Testing
import TestSupport

@testable import Server

/// Unknown paths and methods, over a live socket.
@Suite(.timeLimit(.minutes(2))) struct PathAdviceTests {
    private static let secret = "0123456789abcdef"

    private func server(hasAdmin: Bool = false) async throws -> LiveServer {
        let tiny = try TinyModel()
        guard hasAdmin else { return try await LiveServer(tiny) }
        try tiny.write("token", Self.secret)
        return try await LiveServer(tiny, adminToken: try AdminToken(file: tiny.path("token")))
    }

    @Test func `a misspelt path, or another server's path, is answered with the right one`() async throws {
        let server = try await server()
        for (method, path, meant) in [
            ("POST", "/predict/", "POST /predict"), ("POST", "//predict", "POST /predict"),
            ("POST", "/Predict", "POST /predict"), ("POST", "/predct", "POST /predict"),
            ("POST", "/v1/predict", "POST /predict"), ("POST", "/api/v1/predict/", "POST /predict"),
            ("POST", "/predict/tiny", "POST /v1/models/tiny/predict"),
            ("POST", "/models/tiny/predict", "POST /v1/models/tiny/predict"),
            ("POST", "/v1/models/tiny/Predict", "POST /v1/models/tiny/predict"),
            ("POST", "/v1/models/tiny/predict/", "POST /v1/models/tiny/predict"),
            ("POST", "/v1/models/tiny/versions/7:predict", "POST /v1/models/tiny:predict"),
            ("POST", "/v1/models/tiny:regress", "POST /v1/models/tiny:predict"),
            ("POST", "/v2/models/tiny/predict", "POST /v1/models/tiny/predict"),
            ("POST", "/v2/models/tiny/infer/", "POST /v2/models/tiny/infer"),
            ("GET", "/v1/models/", "GET /v1/models"), ("GET", "/models", "GET /v1/models"),
            ("GET", "/v1/models/tiny/", "GET /v1/models/tiny"), ("GET", "/health", "GET /healthz"),
            ("GET", "/metric", "GET /metrics"), ("GET", "/docs", "GET /openapi.json"),
            ("GET", "/labels", "GET /classes"), ("GET", "/v2/health/Ready", "GET /v2/health/ready"),
        ] {
            let answer = try await server.exchange(method, path, body: method == "POST" ? TestPicture.png : [])
            #expect(answer.status == 404, "\(method) \(path)")
            #expect(answer.detail?.hasSuffix("did you mean \(meant)?") == true, "\(path): \(answer.detail ?? "")")
            #expect(answer.fields["allow"] == nil)
        }
        await server.stop()
    }

    @Test func `any other path is answered with the path of the contract`() async throws {
        let server = try await server()
        for path in ["/nothing/at/all", "/x", "/" + String(repeating: "predict/", count: 500), "/%C3%A9t%C3%A9"] {
            let answer = try await server.exchange("GET", path)
            #expect(answer.status == 404)
            #expect(
                answer.detail?.hasSuffix("GET /openapi.json lists all paths.") == true, "\(answer.detail ?? "")")
            #expect((answer.detail?.utf8.count ?? 0) < 600)
        }
        let quoted = try await server.exchange("GET", "/predict%22%3E%0A")
        #expect(quoted.status == 400 || quoted.detail?.contains("\n") == false)
        await server.stop()
    }

    @Test func `a wrong method is answered with the right one, and an example where an image is expected`() async throws
    {
        let server = try await server()
        for (method, path) in [("GET", "/predict"), ("PUT", "/predict"), ("GET", "/v1/models/tiny/predict")] {
            let answer = try await server.exchange(method, path)
            #expect(answer.status == 405)
            #expect(answer.fields["allow"]?.contains("POST") == true)
            #expect(
                answer.detail
                    == "\(method) is not served at '\(path)'; use POST, as with "
                    + "curl -F image=@photo.jpg http://HOST:PORT\(path).")
        }
        for path in ["/v1/models/tiny:predict", "/v1/models/tiny:classify"] {
            for method in ["GET", "OPTIONS"] {
                let verb = try await server.exchange(method, path)
                #expect(verb.status == (method == "GET" ? 405 : 204))
                #expect(verb.fields["allow"] == "POST, OPTIONS")
            }
        }
        let health = try await server.exchange("POST", "/healthz")
        #expect(health.status == 405)
        #expect(health.fields["allow"]?.hasPrefix("GET, HEAD") == true)
        #expect(health.detail?.hasPrefix("POST is not served at '/healthz'; use GET, HEAD") == true)
        await server.stop()
    }

    @Test func `without a token the admin routes name the key that turns them on`() async throws {
        for path in ["/v1/models/tiny/reload", "/v2/repository/index", "/v2/repository/models/tiny/load"] {
            let off = try await server()
            let answer = try await off.exchange("POST", path)
            #expect(answer.status == 404)
            #expect(
                answer.detail
                    == "There is no '\(path)' here, because the admin routes are off; to turn them on, "
                    + "set admin.token_file in the configuration to a file with a token.")
            await off.stop()
            let on = try await server(hasAdmin: true)
            #expect(try await on.exchange("POST", path).status == 401)
            let slash = try await on.exchange("POST", path + "/")
            #expect(slash.detail?.hasSuffix("did you mean POST \(path)?") == true)
            await on.stop()
        }
    }

    @Test func `errors under V2 have the protocol's member`() async throws {
        let server = try await server()
        let answer = try await server.exchange("POST", "/v2/models/tiny/inferr")
        #expect(try answer.json()["error"] as? String == answer.detail)
        #expect(answer.detail?.hasSuffix("did you mean POST /v2/models/tiny/infer?") == true)
        await server.stop()
    }
}
