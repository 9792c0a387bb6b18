import HTTPServer
import Inference

/// Finds the model and version that a path of V2 names.
struct V2Models: Sendable {
    let store: ModelStore

    /// The version of it that serves, which must be the one that the path names, if it names one.
    ///
    /// - Throws: ``Refusal`` of 404, or of 503 where none serves yet.
    func model(of request: Request) throws(Refusal) -> Model {
        let slot = try store.slot(of: request)
        guard let model = slot.model else { throw Refusal(response: .notLoaded(slot)) }
        try check(model, request)
        return model
    }

    /// - Throws: ``Refusal`` of 404 where the path names another version.
    func check(_ model: Model, _ request: Request) throws(Refusal) {
        guard let version = request.pathParameters["version"], version != model.version else { return }
        throw Refusal(
            response: .problem(
                .notFound, "Model \(model.name) has no version \"\(version)\"; \(model.version) is served."))
    }
}
