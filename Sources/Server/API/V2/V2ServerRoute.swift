import HTTPServer
import HTTPTypes

/// `GET /v2`, `/v2/health/live`, `/v2/health/ready` and `/v2/models/{model}/ready`: who serves, and whether.
struct V2StateRoute: Sendable {
    let models: V2Models
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
                name: "alexnet", version: Self.version,
                extensions: ["binary_tensor_data", "classification", "model_configuration", "statistics"]
                    + (hasRepository ? ["model_repository"] : [])))
    }

    /// Of the program; changed with a release.
    static let version = "0.1.0"

    /// 200 while the process lives.
    func live(_ request: Request) async -> Response { .json(Live(live: true)) }

    /// 200 where `/readyz` says so, 503 else.
    func ready(_ request: Request) async -> Response {
        let response = await health.ready(request)
        return response.problem == nil ? .json(Ready(ready: true)) : response
    }

    /// 200 once the model, in the version that the path names, answers.
    func modelReady(_ request: Request) async -> Response {
        do throws(Refusal) {
            return .json(ModelReady(name: try models.model(of: request).name, ready: true))
        } catch {
            return error.response
        }
    }
}
