import HTTPServer
import HTTPTypes

/// `GET /classes`: the default model's class-index map, in the form of `class_indices.json`.
struct ClassesRoute: Sendable {
    private let report: SharedReport

    init(store: ModelStore) {
        report = SharedReport("classes") {
            guard let model = store.defaultSlot?.model else { return .defaultNotLoaded(store) }
            return Response(
                status: .ok, headerFields: [.contentType: "application/json"], body: Array(model.classes.json.utf8))
        }
    }

    func callAsFunction(_ request: Request) async -> Response { await report() }
}
