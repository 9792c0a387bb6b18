import HTTPServer
import Inference

/// `GET /v2`, `/v2/health/live`, `/v2/health/ready` and `/v2/models/{model}/ready`: metadata and health of the server.
struct V2ServerRoute: Sendable {
    let lookup: V2ModelLookup
    let health: HealthRoute
    /// Whether there are routes that load and unload models.
    let hasRepository: Bool

    private struct Metadata: Encodable {
        let name: String
        let version: String
        let extensions: [String]
    }

    private struct Live: Encodable { let live: Bool }
    private struct Ready: Encodable { let ready: Bool }
    private struct ModelReady: Encodable {
        let name: String
        let ready: Bool
    }

    /// Name, version and extensions of the protocol.
    func metadata(_ request: Request) async -> Response {
        .json(
            Metadata(
                name: "alexnet", version: Version.current,
                extensions: ["binary_tensor_data", "classification", "model_configuration", "statistics"]
                    + (hasRepository ? ["model_repository"] : [])))
    }

    /// 200 while the process lives.
    func live(_ request: Request) async -> Response { .json(Live(live: true)) }

    /// 200 or 503, as `/readyz`.
    func ready(_ request: Request) async -> Response {
        let response = await health.ready(request)
        return response.problem == nil ? .json(Ready(ready: true)) : response
    }

    /// 200 once the model is loaded in the version that the path names.
    func modelReady(_ request: Request) async -> Response {
        do throws(HTTPError) {
            return .json(ModelReady(name: try lookup.model(of: request).name, ready: true))
        } catch {
            return error.response
        }
    }
}

/// Finds the model and version that a path of V2 names.
struct V2ModelLookup: Sendable {
    let store: ModelStore

    /// The loaded version of the model.
    ///
    /// - Throws: ``HTTPError`` of 404 for an unknown model or version, of 503 where none is loaded yet.
    func model(of request: Request) throws(HTTPError) -> Model {
        let slot = try store.slot(of: request)
        guard let model = slot.model else { throw HTTPError(response: .notLoaded(slot)) }
        try check(model, request)
        return model
    }

    /// - Throws: ``HTTPError`` of 404 if the path names another version.
    func check(_ model: Model, _ request: Request) throws(HTTPError) {
        guard let version = request.pathParameters["version"], version != model.version else { return }
        throw HTTPError(.notFound, "Model \(model.name) has no version \"\(version)\"; \(model.version) is loaded.")
    }
}
