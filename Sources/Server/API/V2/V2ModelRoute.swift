import HTTPServer
import Inference

/// `GET /v2/models/{model}` and `/v2/models/{model}/config`: what a model takes and gives.
struct V2ModelRoute: Sendable {
    let models: V2Models
    let settings: Settings

    /// Names, datatypes and shapes; -1 stands for any number of pictures.
    func metadata(_ request: Request) async -> Response {
        answer(request) { .json(ModelMetadata($0)) }
    }

    /// The same as Triton's model configuration says it.
    func configuration(_ request: Request) async -> Response {
        answer(request) { .json(ModelConfiguration($0, settings: settings)) }
    }

    private func answer(_ request: Request, _ respond: (Model) -> Response) -> Response {
        do throws(Refusal) {
            return respond(try models.model(of: request))
        } catch {
            return error.response
        }
    }
}
