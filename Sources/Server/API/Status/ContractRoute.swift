import HTTPServer
import HTTPTypes

/// `GET /openapi.json`: the whole HTTP contract, OpenAPI 3.1.
struct ContractRoute: Sendable {
    /// What is in the file `openapi.json` beside this one.
    static let document = PackageResources.openapi_json

    func callAsFunction(_ request: Request) async -> Response {
        Response(status: .ok, headerFields: [.contentType: "application/json"], body: Self.document)
    }
}
