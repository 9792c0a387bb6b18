import HTTPServer
import HTTPTypes
import Inference

/// `GET /v2`, `/v2/health/live`, `/v2/health/ready` and `/v2/models/{model}/ready`: who serves, and whether.
struct V2ServerRoute: Sendable {
    let models: V2ModelLookup
    let health: HealthRoute
    /// Whether models can be loaded and unloaded.
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

    /// What the server is and which extensions of the protocol it has.
    func metadata(_ request: Request) async -> Response {
        .json(
            Metadata(
                name: "alexnet", version: Version.current,
                extensions: ["binary_tensor_data", "classification", "model_configuration", "statistics"]
                    + (hasRepository ? ["model_repository"] : [])))
    }

    /// 200 while the process lives.
    func live(_ request: Request) async -> Response { .json(Live(live: true)) }

    /// 200 where `/readyz` says so, 503 else.
    func ready(_ request: Request) async -> Response {
        let response = await health.ready(request)
        return response.problem == nil ? .json(Ready(ready: true)) : response
    }

    /// 200 once the model, in the version that the path names, answers.
    func modelReady(_ request: Request) async -> Response {
        do throws(HTTPError) {
            return .json(ModelReady(name: try models.model(of: request).name, ready: true))
        } catch {
            return error.response
        }
    }
}

/// Finds the model and version that a path of V2 names.
struct V2ModelLookup: Sendable {
    let store: ModelStore

    /// The version of it that serves, which must be the one that the path names, if it names one.
    ///
    /// - Throws: ``HTTPError`` of 404, or of 503 where none serves yet.
    func model(of request: Request) throws(HTTPError) -> Model {
        let slot = try store.slot(of: request)
        guard let model = slot.model else { throw HTTPError(response: .notLoaded(slot)) }
        try check(model, request)
        return model
    }

    /// - Throws: ``HTTPError`` of 404 where the path names another version.
    func check(_ model: Model, _ request: Request) throws(HTTPError) {
        guard let version = request.pathParameters["version"], version != model.version else { return }
        throw HTTPError(
            response: .problem(
                .notFound, "Model \(model.name) has no version \"\(version)\"; \(model.version) is served."))
    }
}
