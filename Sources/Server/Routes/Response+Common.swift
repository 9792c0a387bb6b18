import HTTPServer
import HTTPTypes

extension Response {
    /// 503: nobody can answer now, but somebody may soon.
    static func unavailable(_ detail: String) -> Response {
        .problem(.serviceUnavailable, detail, headerFields: [.retryAfter: "1"])
    }

    /// 404 that lists the models there are.
    static func unknownModel(_ name: String, _ store: ModelStore) -> Response {
        .problem(
            .notFound, "There is no model \"\(name)\"; there are \(store.slots.map(\.name).joined(separator: ", ")).")
    }
}
