import Foundation
import ModelTestSupport
import TestSupport
import Testing
@testable import Server

@Suite(.timeLimit(.minutes(2))) struct ContractRouteTests {
    private static let secret = "a token of more than sixteen bytes"

    private func server() async throws -> LiveServer {
        let tiny = try TinyModel()
        try tiny.write("token", Self.secret)
        return try await LiveServer(tiny, adminToken: try AdminToken(file: tiny.path("token")))
    }

    @Test func `the contract has every route with its method, and no other`() async throws {
        let server = try await server()
        let document = try ContractDocument()
        #expect(document.operations == Set(server.routes))
        #expect(
            Set(server.routes.map { String($0.split(separator: " ")[1]) }) == Set(RoutePattern.allCases.map(\.rawValue))
        )
        #expect(document.danglingReferences == [])
        #expect(document.version == Version.current)
        await server.stop()
    }

    @Test func `the contract is served as it is in docs`() async throws {
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
        let image = Data(TestPicture.png).base64EncodedString()
        return Array(
            #"{"inputs":[{"name":"input","datatype":"BYTES","shape":[1],"data":["\#(image)"]}]\#(outputs)}"#.utf8)
    }

    private static func twoImages() -> [UInt8] {
        let image = Data(TestPicture.png).base64EncodedString()
        return Array(#"{"images": ["\#(image)", "AAAA"]}"#.utf8)
    }

    private static func twoGoodImages() -> [UInt8] {
        let image = Data(TestPicture.png).base64EncodedString()
        return Array(#"{"images": ["\#(image)", "\#(image)"]}"#.utf8)
    }

    private static func instances(_ member: String) -> [UInt8] {
        let image = Data(TestPicture.png).base64EncodedString()
        return Array(#"{"\#(member)": [{"image": {"b64": "\#(image)"}}, {"x": 1, "y": {"b64": "\#(image)"}}]}"#.utf8)
    }

    private static let json = ["Content-Type": "application/json"]
    private static let admin = ["Authorization": "Bearer \(secret)"]
    private static let model = "/v1/models/{model}"
    private static let v2Model = "/v2/models/{model}"

    private static let exchanges: [Exchange] = [
        Exchange("POST", "/predict", 200, body: TestPicture.png),
        Exchange("POST", "/predict", 200, fields: json, body: twoImages()),
        Exchange("POST", "/predict", 415, body: [1, 2, 3]),
        Exchange("POST", "/predict", 400),
        Exchange("POST", "/predict?top=0", 400, as: "/predict", body: TestPicture.png),
        Exchange("POST", "/predict", 415, fields: ["Content-Encoding": "br"], body: TestPicture.png),
        Exchange("POST", "/v1/models/tiny/predict", 200, as: model + "/predict", body: TestPicture.png),
        Exchange("POST", "/v1/models/none/predict", 404, as: model + "/predict", body: TestPicture.png),
        Exchange("POST", "/v1/models/tiny/explain", 200, as: model + "/explain", body: TestPicture.png),
        Exchange("POST", "/v1/models/tiny/explain?class=2", 200, as: model + "/explain", body: TestPicture.png),
        Exchange(
            "POST", "/v1/models/tiny/explain", 200, as: model + "/explain", fields: ["Accept": "image/png"],
            body: TestPicture.png),
        Exchange("POST", "/v1/models/tiny/explain?class=3", 400, as: model + "/explain", body: TestPicture.png),
        Exchange("POST", "/v1/models/tiny/explain", 415, as: model + "/explain", body: [1, 2, 3]),
        Exchange("POST", "/v1/models/none/explain", 404, as: model + "/explain", body: TestPicture.png),
        Exchange("GET", "/v1/models/tiny/filters", 200, as: model + "/filters"),
        Exchange("GET", "/v1/models/none/filters", 404, as: model + "/filters"),
        Exchange("GET", "/v1/training", 200),
        Exchange("GET", "/", 200),
        Exchange("GET", "/", 200, fields: ["Accept": "text/html"]),
        Exchange("GET", "/page/index.html", 200, as: "/page/{file}"),
        Exchange("GET", "/page/none", 404, as: "/page/{file}"),
        Exchange("GET", "/ping", 200),
        Exchange("POST", "/invocations", 200, fields: ["Content-Type": "application/x-image"], body: TestPicture.png),
        Exchange("POST", "/predictions/tiny", 200, as: "/predictions/{model}", body: TestPicture.png),
        Exchange("POST", "/predictions/tiny", 200, as: "/predictions/{model}", fields: json, body: twoGoodImages()),
        Exchange("PUT", "/predictions/tiny", 200, as: "/predictions/{model}", body: TestPicture.png),
        Exchange("POST", "/predictions/none", 404, as: "/predictions/{model}", body: TestPicture.png),
        Exchange("POST", "/predictions/tiny", 415, as: "/predictions/{model}", fields: json, body: twoImages()),
        Exchange("POST", "/v1/models/tiny:predict", 200, as: model + ":predict", body: instances("instances")),
        Exchange("POST", "/v1/models/tiny:predict", 400, as: model + ":predict", body: instances("images")),
        Exchange("POST", "/v1/models/none:predict", 404, as: model + ":predict", body: instances("instances")),
        Exchange("POST", "/v1/models/tiny:classify", 200, as: model + ":classify", body: instances("examples")),
        Exchange("POST", "/v1/models/tiny:classify", 400, as: model + ":classify", body: [1]),
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

    @Test(arguments: exchanges)
    func `answers match the contract, members and media types too`(_ exchange: Exchange) async throws {
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

/// The OpenAPI document, with the part of JSON Schema that it uses.
struct ContractDocument {
    private let root: [String: Any]

    init() throws {
        root = try JSONSerialization.jsonObject(with: Data(ContractRoute.document)) as? [String: Any] ?? [:]
    }

    /// `info.version`.
    var version: String? { (root["info"] as? [String: Any])?["version"] as? String }

    /// Every operation as `GET /path`.
    var operations: Set<String> {
        Set(paths.flatMap { path, item in item.keys.map { "\($0.uppercased()) \(path)" } })
    }

    private var paths: [String: [String: Any]] { root["paths"] as? [String: [String: Any]] ?? [:] }

    /// All dangling references of the document.
    var danglingReferences: [String] {
        var found: [String] = []
        func visit(_ value: Any) {
            if let object = value as? [String: Any] {
                if let reference = object["$ref"] as? String, target(reference) == nil { found.append(reference) }
                object.values.forEach(visit)
            } else if let array = value as? [Any] {
                array.forEach(visit)
            }
        }
        visit(root)
        return found
    }

    private func target(_ reference: String) -> [String: Any]? {
        reference.split(separator: "/").dropFirst().reduce(root as Any?) { ($0 as? [String: Any])?[String($1)] }
            as? [String: Any]
    }

    private func resolved(_ value: Any?) -> [String: Any]? {
        guard let object = value as? [String: Any] else { return nil }
        return (object["$ref"] as? String).map(target) ?? object
    }

    /// How an answer contradicts the document; nil where it does not.
    ///
    /// - Parameter pattern: the path as the document has it.
    func complaint(
        about content: [UInt8], status: Int, type: String, of method: String, _ pattern: String
    ) throws -> String? {
        let operation = paths[pattern]?[method.lowercased()] as? [String: Any]
        let responses = operation?["responses"] as? [String: Any]
        guard let response = resolved(responses?["\(status)"]) else { return "\(status) is not documented" }
        guard let media = (response["content"] as? [String: Any])?[type] as? [String: Any] else {
            return "\(type) is not documented for \(status)"
        }
        guard type.hasSuffix("json") else { return nil }
        let value = try JSONSerialization.jsonObject(with: Data(content), options: .fragmentsAllowed)
        return complaint(about: value, schema: media["schema"], at: "$")
    }

    private func complaint(about value: Any, schema: Any?, at place: String) -> String? {
        guard let schema = resolved(schema) else { return "\(place) has no schema" }
        if let allowed = schema["enum"] as? [AnyHashable], !allowed.contains(where: { $0 == value as? AnyHashable }) {
            return "\(place) is \(value), not one of \(allowed)"
        }
        if let constant = schema["const"] as? AnyHashable, constant != value as? AnyHashable {
            return "\(place) is \(value), not \(constant)"
        }
        for key in ["oneOf", "anyOf"] {
            guard let choices = schema[key] as? [Any] else { continue }
            let complaints = choices.map { complaint(about: value, schema: $0, at: place) }
            let count = complaints.count { $0 == nil }
            guard key == "oneOf" ? count == 1 : count > 0 else {
                return "\(place) fits \(count) of the choices: \(complaints.compactMap(\.self).joined(separator: "; "))"
            }
        }
        if let pattern = schema["pattern"] as? String, let text = value as? String,
            text.range(of: pattern, options: .regularExpression) == nil
        {
            return "\(place) is \(text), not \(pattern)"
        }
        if let minimum = schema["minimum"] as? Double, let number = value as? Double, number < minimum {
            return "\(place) is \(number), below \(minimum)"
        }
        switch schema["type"] as? String {
        case "string" where !(value is String): return "\(place) is no string"
        case "number" where !(value is NSNumber): return "\(place) is no number"
        case "integer" where (value as? NSNumber).map({ $0.doubleValue.rounded() != $0.doubleValue }) ?? true:
            return "\(place) is no integer"
        case "boolean" where !(value is Bool): return "\(place) is no boolean"
        case "array":
            guard let array = value as? [Any] else { return "\(place) is no array" }
            if let least = schema["minItems"] as? Int, array.count < least {
                return "\(place) has \(array.count) items"
            }
            guard let items = schema["items"] else { return nil }
            return array.enumerated().lazy.compactMap { complaint(about: $1, schema: items, at: "\(place)[\($0)]") }
                .first
        case "object":
            guard let object = value as? [String: Any] else { return "\(place) is no object" }
            for name in schema["required"] as? [String] ?? [] where object[name] == nil {
                return "\(place) has no \(name)"
            }
            let properties = schema["properties"] as? [String: Any] ?? [:]
            for (name, member) in object {
                // Clients cannot rely on a member that is not documented.
                guard let known = properties[name] ?? schema["additionalProperties"] else {
                    if properties.isEmpty { continue }
                    return "\(place).\(name) is not documented"
                }
                if let complaint = complaint(about: member, schema: known, at: "\(place).\(name)") { return complaint }
            }
        default: break
        }
        return nil
    }
}
