import Foundation
import ModelTestSupport
import TestSupport
import Testing

@testable import Server

@Suite("The contract as OpenAPI")
struct ContractRouteTests {
    private static let secret = "a token of more than sixteen bytes"

    private func server() async throws -> LiveServer {
        let tiny = try TinyModel()
        try tiny.write("token", Self.secret)
        return try await LiveServer(tiny, adminToken: try AdminToken(file: tiny.path("token")))
    }

    @Test("It names every route with its method, and none that is not there")
    func routes() async throws {
        let server = try await server()
        let document = try ContractDocument()
        #expect(document.operations == Set(server.routes))
        #expect(
            Set(server.routes.map { String($0.split(separator: " ")[1]) }) == Set(RoutePattern.allCases.map(\.rawValue))
        )
        #expect(document.danglingReferences == [])
        #expect(document.version == V2StateRoute.version)
        await server.stop()
    }

    @Test("It is served as it stands in the documents")
    func served() async throws {
        let server = try await server()
        let answer = try await server.exchange("GET", "/openapi.json")
        #expect(answer.status == 200)
        #expect(answer.fields["content-type"] == "application/json")
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        #expect(try Data(contentsOf: root.appendingPathComponent("docs/reference/openapi.json")) == Data(answer.bytes))
        await server.stop()
    }

    /// A request, the path's pattern and the status that it is answered with.
    struct Exchange: Sendable, CustomTestStringConvertible {
        let method: String
        let path: String
        let pattern: String
        let fields: [String: String]
        let body: [UInt8]
        let status: Int

        init(
            _ method: String, _ path: String, _ status: Int, as pattern: String? = nil,
            fields: [String: String] = [:], body: [UInt8] = []
        ) {
            (self.method, self.path, self.pattern) = (method, path, pattern ?? path)
            (self.fields, self.body, self.status) = (fields, body, status)
        }

        var testDescription: String { "\(method) \(path) \(status)" }
    }

    private static func inference(_ outputs: String = "") -> [UInt8] {
        let picture = Data(TestPicture.png).base64EncodedString()
        return Array(
            #"{"inputs":[{"name":"input","datatype":"BYTES","shape":[1],"data":["\#(picture)"]}]\#(outputs)}"#.utf8)
    }

    private static func twoPictures() -> [UInt8] {
        let picture = Data(TestPicture.png).base64EncodedString()
        return Array(#"{"images": ["\#(picture)", "AAAA"]}"#.utf8)
    }

    private static let json = ["Content-Type": "application/json"]
    private static let admin = ["Authorization": "Bearer \(secret)"]
    private static let model = "/v1/models/{model}"
    private static let v2Model = "/v2/models/{model}"

    private static let exchanges: [Exchange] = [
        Exchange("POST", "/predict", 200, body: TestPicture.png),
        Exchange("POST", "/predict", 200, fields: json, body: twoPictures()),
        Exchange("POST", "/predict", 415, body: [1, 2, 3]),
        Exchange("POST", "/predict", 400),
        Exchange("POST", "/predict?top=0", 400, as: "/predict", body: TestPicture.png),
        Exchange("POST", "/predict", 415, fields: ["Content-Encoding": "br"], body: TestPicture.png),
        Exchange("POST", "/v1/models/tiny/predict", 200, as: model + "/predict", body: TestPicture.png),
        Exchange("POST", "/v1/models/none/predict", 404, as: model + "/predict", body: TestPicture.png),
        Exchange("GET", "/v1/models", 200),
        Exchange("GET", "/v1/models/tiny", 200, as: model),
        Exchange("GET", "/v1/models/none", 404, as: model),
        Exchange("POST", "/v1/models/tiny/reload", 200, as: model + "/reload", fields: admin),
        Exchange("POST", "/v1/models/tiny/reload", 401, as: model + "/reload"),
        Exchange("GET", "/classes", 200),
        Exchange("GET", "/healthz", 200),
        Exchange("GET", "/readyz", 200),
        Exchange("GET", "/metrics", 200),
        Exchange("GET", "/openapi.json", 200),
        Exchange("GET", "/v2", 200),
        Exchange("GET", "/v2/health/live", 200),
        Exchange("GET", "/v2/health/ready", 200),
        Exchange("GET", "/v2/models/stats", 200),
        Exchange("GET", "/v2/models/tiny", 200, as: v2Model),
        Exchange("GET", "/v2/models/none", 404, as: v2Model),
        Exchange("GET", "/v2/models/tiny/ready", 200, as: v2Model + "/ready"),
        Exchange("GET", "/v2/models/tiny/config", 200, as: v2Model + "/config"),
        Exchange("GET", "/v2/models/tiny/stats", 200, as: v2Model + "/stats"),
        Exchange("GET", "/v2/models/tiny/versions/1/stats", 404, as: v2Model + "/versions/{version}/stats"),
        Exchange("POST", "/v2/models/tiny/infer", 200, as: v2Model + "/infer", body: inference()),
        Exchange(
            "POST", "/v2/models/tiny/infer", 200, as: v2Model + "/infer",
            body: inference(#","outputs":[{"name":"logits","parameters":{"classification":2}}]"#)),
        Exchange(
            "POST", "/v2/models/tiny/infer", 200, as: v2Model + "/infer",
            body: inference(#","outputs":[{"name":"logits","parameters":{"binary_data":true}}]"#)),
        Exchange("POST", "/v2/models/tiny/infer", 400, as: v2Model + "/infer", body: [1]),
        Exchange("POST", "/v2/repository/index", 200, fields: admin),
        Exchange("POST", "/v2/repository/index", 401),
        Exchange(
            "POST", "/v2/repository/models/tiny/load", 200, as: "/v2/repository/models/{model}/load", fields: admin),
        Exchange(
            "POST", "/v2/repository/models/none/unload", 404, as: "/v2/repository/models/{model}/unload", fields: admin),
        Exchange(
            "POST", "/v2/repository/models/tiny/unload", 200, as: "/v2/repository/models/{model}/unload", fields: admin),
    ]

    @Test("Answers are what it says, members and media types too", arguments: exchanges)
    func answers(_ exchange: Exchange) async throws {
        let server = try await server()
        let answer = try await server.exchange(
            exchange.method, exchange.path, fields: exchange.fields, body: exchange.body)
        #expect(answer.status == exchange.status, "\(answer.body)")
        let complaint = try ContractDocument().complaint(
            about: answer.bytes, status: answer.status, type: answer.fields["content-type"] ?? "", of: exchange.method,
            exchange.pattern)
        #expect(complaint == nil)
        await server.stop()
    }
}
