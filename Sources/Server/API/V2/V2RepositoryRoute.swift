import Dispatch
import Files
import Foundation
import HTTPServer
import Inference

/// `POST /v2/repository/index`, `/v2/repository/models/{model}/load` and `…/unload`: lists, loads and unloads models.
/// Served only with an admin token.
///
/// - Source: Triton Inference Server, "Model Repository Extension"
struct V2RepositoryRoute: Sendable {
    let store: ModelStore
    let token: AdminToken

    /// Triton's names of a model's states.
    private enum State: String, Encodable {
        case ready = "READY"
        case loading = "LOADING"
        case unavailable = "UNAVAILABLE"
    }

    private struct Entry: Encodable {
        let name: String
        let version: String
        let state: State
        let reason: String

        init(_ slot: ModelSlot) {
            let model = slot.model
            name = slot.name
            version = model?.version ?? ""
            let absence = slot.absence
            state = model != nil ? .ready : absence == .notLoaded ? .loading : .unavailable
            reason = absence?.reason ?? ""
        }
    }

    private struct IndexRequest: Decodable { let ready: Bool? }

    /// The content of a load or an unload. Only the parameters' names are read.
    private struct LoadRequest: Decodable {
        /// A value of any type.
        struct Ignored: Decodable {
            init(from decoder: any Decoder) {}
        }

        let parameters: [String: Ignored]

        private enum CodingKeys: CodingKey { case parameters }

        init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: CodingKeys.self)
            // An optional property would take null as well.
            let hasParameters = values.contains(.parameters)
            parameters = hasParameters ? try values.decode([String: Ignored].self, forKey: .parameters) : [:]
        }
    }

    private struct Done: Encodable {}

    /// Lists all models; with `{"ready": true}` only the loaded ones.
    func index(_ request: Request) async -> Response {
        await answer(request) { () async throws(HTTPError) in
            let onlyReady = try Self.read(IndexRequest.self, request)?.ready ?? false
            return await DispatchQueue.global().perform { [store] in
                .json(store.slots.filter { !onlyReady || $0.model != nil }.map(Entry.init))
            }
        }
    }

    /// Loads a model now, even one whose folder is new or that was unloaded.
    func load(_ request: Request) async -> Response {
        await answer(request) { () async throws(HTTPError) in
            if let name = try Self.read(LoadRequest.self, request)?.parameters.keys.min() {
                throw HTTPError(
                    .badRequest,
                    "The load parameter \"\(name.prefix(80))\" is not supported; a model is loaded from its folder "
                        + "as it is."
                )
            }
            do throws(FileSystemError) {
                try await store.look(for: request.pathParameters["model"] ?? "")
            } catch {
                throw HTTPError(response: .unavailable("The models directory cannot be read at the moment."))
            }
            let slot = try store.slot(of: request)
            switch await slot.reload() {
            case .success, .unchanged: return .json(Done())
            case .failure(let reason): return .notReloaded(slot, reason: reason)
            case .postponed(let reason): return .reloadPostponed(slot, reason: reason)
            }
        }
    }

    /// Unloads a model until a client loads it again.
    func unload(_ request: Request) async -> Response {
        await answer(request) { () async throws(HTTPError) in
            // The parameter `unload_dependents` is ignored: no model here depends on another.
            _ = try Self.read(LoadRequest.self, request)
            try await store.slot(of: request).unload()
            return .json(Done())
        }
    }

    private func answer(
        _ request: Request, _ respond: () async throws(HTTPError) -> Response
    ) async -> Response {
        if let refusal = token.refusal(of: request) { return refusal }
        do throws(HTTPError) {
            return try await respond()
        } catch {
            return error.response
        }
    }

    /// The content, decoded from JSON; nil if it is empty.
    private static func read<Body: Decodable>(_: Body.Type, _ request: Request) throws(HTTPError) -> Body? {
        guard case .bytes(let bytes) = request.body, !bytes.isEmpty else { return nil }
        guard bytes.count <= maxByteCount else {
            throw HTTPError(
                .contentTooLarge, "The content has \(bytes.count) bytes; this path takes at most \(maxByteCount).")
        }
        do {
            return try JSONDecoder().decode(Body.self, from: Data(bytes))
        } catch {
            throw HTTPError(.badRequest, "The content is not a JSON object of the model repository extension.")
        }
    }

    /// Far above any request of this extension. Units: bytes.
    static let maxByteCount = 64 << 10
}
