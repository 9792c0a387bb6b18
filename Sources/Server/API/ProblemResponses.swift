import HTTPServer
import HTTPTypes
import Inference

/// An error that ends a request with this response.
struct HTTPError: Error {
    let response: Response

    init(response: Response) { self.response = response }

    /// A problem document (RFC 9457).
    init(_ status: HTTPResponse.Status, _ detail: String) { response = .problem(status, detail) }
}

extension Result<Response, HTTPError> {
    /// The answer, whichever it is.
    var response: Response {
        switch self {
        case .success(let response): response
        case .failure(let error): error.response
        }
    }
}

// The state of models
extension Response {
    /// 503: the request cannot be answered now; the client should try again in a second.
    static func unavailable(_ detail: String) -> Response {
        .problem(.serviceUnavailable, detail, headerFields: [.retryAfter: "1"])
    }

    /// 503 of a model that has no loaded version.
    static func notLoaded(_ slot: ModelSlot) -> Response {
        switch slot.absence {
        case .refused(let refusal):
            .unavailable(
                "Model \(slot.name) could not be loaded (\(refusal.reason); the server's log says more). It is loaded "
                    + "once its files are repaired.")
        case .postponed(let refusal):
            .unavailable("Model \(slot.name) is not loaded yet (\(refusal.reason)); try again in a second.")
        case .noMemory(let error):
            .unavailable("Model \(slot.name) is not loaded: \(error). It is loaded once there is enough memory.")
        case .unloaded:
            .unavailable(
                "Model \(slot.name) was unloaded; POST /v2/repository/models/\(slot.name)/load loads it again.")
        case .removed: .unavailable("Model \(slot.name) has been removed.")
        case .notLoaded, nil: .unavailable("Model \(slot.name) is not loaded yet; try again in a second.")
        }
    }

    /// 503 if there is no default model, or if it has no loaded version.
    static func defaultNotLoaded(_ store: ModelStore) -> Response {
        if let slot = store.defaultSlot { return .notLoaded(slot) }
        let name = store.defaultName
        return .unavailable(
            name.isEmpty
                ? "There is no model; put a folder with a checkpoint and its classes into the models directory."
                : "The folder of the default model \(name) is missing; the model is loaded once the folder is back.")
    }

    /// 422: a load failed.
    static func notReloaded(_ slot: ModelSlot, reason: String) -> Response {
        let running = slot.model.map { "Version \($0.version) stays loaded" } ?? "Model \(slot.name) is not loaded"
        return .problem(.unprocessableContent, "\(running): \(reason). The server's log says more.")
    }

    /// 503: a load was postponed, since the files could not be read or were still changing.
    static func reloadPostponed(_ slot: ModelSlot, reason: String) -> Response {
        let running =
            slot.model.map { "Version \($0.version) stays loaded for now" } ?? "Model \(slot.name) is not loaded yet"
        return .unavailable("\(running): \(reason). The server checks the files again.")
    }
}

// Unknown models
extension Response {
    /// The most names in one answer.
    private static let maxModelNames = 20

    /// 404 that lists the models there are.
    static func unknownModel(_ name: String, _ store: ModelStore) -> Response {
        let names = store.slots.map(\.name)
        // TensorFlow Serving's form of the path.
        if name.hasSuffix(":predict") {
            let model = PathAdvice.excerpt(String(name.dropLast(":predict".count)))
            return .problem(
                .notFound, "There is no model \"\(name.prefix(120))\"; did you mean POST /v1/models/\(model):predict?")
        }
        let listed = names.prefix(maxModelNames).joined(separator: ", ")
        let others = names.count > maxModelNames ? " and \(names.count - maxModelNames) more" : ""
        // The comparison runs on a thread that serves sockets, so it has to be short.
        let isQuick = name.utf8.count <= 64 && names.count <= 100
        let nearest = isQuick ? NearestName.of(name, among: names).map { "; did you mean \"\($0)\"?" } : nil
        return .problem(
            .notFound,
            "There is no model \"\(name.prefix(120))\"; served here: \(listed)\(others)" + (nearest ?? "."))
    }
}

// The status of an error
extension ImageError {
    /// The status of an answer for this image alone (DESIGN: the HTTP contract).
    var status: HTTPResponse.Status {
        switch self {
        case .unsupportedFormat, .unsupportedVariety: .unsupportedMediaType
        case .tooManyPixels, .sideTooLong, .outOfMemory, .tooMuchHeld: .contentTooLarge
        // Never sent: whoever cancels a request also answers it.
        case .stopped: .serviceUnavailable
        case .empty, .corrupt, .truncated: .badRequest
        }
    }
}

extension ImageFailure {
    /// The status of an answer for this image alone.
    var status: HTTPResponse.Status {
        switch self {
        case .unreadable(let error): error.status
        case .notFinite: .internalServerError
        case .overflow: .badRequest
        }
    }
}
