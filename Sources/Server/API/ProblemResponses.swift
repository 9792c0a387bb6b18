import HTTPServer
import HTTPTypes
import Inference

extension Response {
    /// 503: nobody can answer now, but somebody may soon.
    static func unavailable(_ detail: String) -> Response {
        .problem(.serviceUnavailable, detail, headerFields: [.retryAfter: "1"])
    }

    /// 503 of a model that has no version to answer with.
    static func notLoaded(_ slot: ModelSlot) -> Response {
        switch slot.absence {
        case .refused(let refusal):
            .unavailable(
                "Model \(slot.name) could not be loaded (\(refusal.reason); the server's log says more) and is served once its "
                    + "files are mended.")
        case .postponed(let refusal):
            .unavailable("Model \(slot.name) is not loaded yet (\(refusal.reason)); try again in a second.")
        case .noMemory(let error):
            .unavailable("Model \(slot.name) is not loaded: \(error). It is loaded once there is room.")
        case .unloaded:
            .unavailable(
                "Model \(slot.name) was unloaded; POST /v2/repository/models/\(slot.name)/load brings it back.")
        case .removed: .unavailable("Model \(slot.name) has been removed.")
        case .notLoaded, nil: .unavailable("Model \(slot.name) is not loaded yet; try again in a second.")
        }
    }

    /// 422 of a load that came to nothing.
    static func notReloaded(_ slot: ModelSlot, reason: String) -> Response {
        let running = slot.model.map { "Version \($0.version) stays" } ?? "Model \(slot.name) is not served"
        return .problem(.unprocessableContent, "\(running): \(reason). The server's log says more.")
    }

    /// 503 of a load that could not be done now, and follows.
    static func reloadPostponed(_ slot: ModelSlot, reason: String) -> Response {
        let running = slot.model.map { "Version \($0.version) stays for now" } ?? "Model \(slot.name) is not served yet"
        return .unavailable("\(running): \(reason). They are looked at again.")
    }

    /// 503 where there is no default model, or it has no version to answer with.
    static func defaultNotLoaded(_ store: ModelStore) -> Response {
        if let slot = store.defaultSlot { return .notLoaded(slot) }
        let name = store.defaultName
        return .unavailable(
            name.isEmpty
                ? "No model is served; put a folder with a checkpoint and its classes into the models directory."
                : "The default model \(name) is gone; it is served once its folder is back.")
    }

    /// More names are no reading for people.
    private static let mostModelNames = 20

    /// 404 that lists the models there are.
    static func unknownModel(_ name: String, _ store: ModelStore) -> Response {
        let names = store.slots.map(\.name)
        // TensorFlow Serving's way to write it.
        if name.hasSuffix(":predict") {
            let model = PathAdvice.excerpt(String(name.dropLast(":predict".count)))
            return .problem(
                .notFound, "There is no model \"\(name.prefix(120))\"; did you mean POST /v1/models/\(model)/predict?")
        }
        let listed = names.prefix(mostModelNames).joined(separator: ", ")
        let others = names.count > mostModelNames ? " and \(names.count - mostModelNames) more" : ""
        // Comparing takes the time of a thread that serves sockets.
        let isQuick = name.utf8.count <= 64 && names.count <= 100
        let nearest = isQuick ? NearestName.of(name, among: names).map { "; did you mean \"\($0)\"?" } : nil
        return .problem(
            .notFound,
            "There is no model \"\(name.prefix(120))\"; served here: \(listed)\(others)" + (nearest ?? "."))
    }
}

/// A request is answered before any image is looked at.
struct HTTPError: Error {
    let response: Response
}

extension ImageError {
    /// The status that an image's error deserves (DESIGN: the HTTP contract).
    var status: HTTPResponse.Status {
        switch self {
        case .unsupportedFormat, .unsupportedVariety: .unsupportedMediaType
        case .tooManyPixels, .sideTooLong, .outOfMemory, .tooMuchHeld: .contentTooLarge
        // Whoever gave it up is told so, and not this.
        case .stopped: .serviceUnavailable
        case .empty, .corrupt, .truncated: .badRequest
        }
    }
}

extension PictureFailure {
    /// The status that an image would have been answered with alone.
    var status: HTTPResponse.Status {
        switch self {
        case .unreadable(let error): error.status
        case .notFinite: .internalServerError
        case .overflow: .badRequest
        }
    }
}
