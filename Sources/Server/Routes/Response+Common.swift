import HTTPServer
import HTTPTypes

extension Response {
    /// 503: nobody can answer now, but somebody may soon.
    static func unavailable(_ detail: String) -> Response {
        .problem(.serviceUnavailable, detail, headerFields: [.retryAfter: "1"])
    }

    /// 503 of a model that has no version to answer with.
    static func notLoaded(_ slot: ModelSlot) -> Response {
        if let reason = slot.refusal {
            return .unavailable(
                "Model \(slot.name) could not be loaded (\(reason)) and is served once its files are mended.")
        }
        return .unavailable("Model \(slot.name) is not loaded yet; try again in a second.")
    }

    /// 404 that lists the models there are.
    static func unknownModel(_ name: String, _ store: ModelStore) -> Response {
        .problem(
            .notFound, "There is no model \"\(name)\"; served here: \(store.slots.map(\.name).joined(separator: ", "))."
        )
    }
}
