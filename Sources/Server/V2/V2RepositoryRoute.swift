import Dispatch
import Files
import Foundation
import HTTPServer
import HTTPTypes
import Inference

/// `POST /v2/repository/index`, `/v2/repository/models/{model}/load` and `…/unload`: which models there are, and which of
/// them serve. There only with an admin token.
///
/// - Source: Triton Inference Server, "Model Repository Extension"
struct V2RepositoryRoute: Sendable {
    let store: ModelStore
    let token: AdminToken

    /// Triton's names for what a model is doing.
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

    /// What a load or an unload may bring along.
    private struct LoadRequest: Decodable {
        struct AnyName: CodingKey {
            let stringValue: String
            var intValue: Int? { nil }
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }

        let parameterNames: [String]

        init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: AnyName.self)
            let key = AnyName(stringValue: "parameters")
            guard values.contains(key) else {
                parameterNames = []
                return
            }
            parameterNames = try values.nestedContainer(keyedBy: AnyName.self, forKey: key).allKeys.map(\.stringValue)
        }
    }

    private struct Done: Encodable {}

    /// Every model, or with `{"ready": true}` those that answer.
    func index(_ request: Request) async -> Response {
        await answer(request) { () async throws(Refusal) in
            let onlyReady = try Self.read(IndexRequest.self, request)?.ready ?? false
            return await DispatchQueue.global().perform { [store] in
                .json(store.slots.filter { !onlyReady || $0.model != nil }.map(Entry.init))
            }
        }
    }

    /// Loads a model now, also one whose folder has just come, or that was unloaded.
    func load(_ request: Request) async -> Response {
        await answer(request) { () async throws(Refusal) in
            let names = try Self.read(LoadRequest.self, request)?.parameterNames ?? []
            if let name = names.sorted().first {
                throw Refusal(
                    response: .problem(
                        .badRequest,
                        "The load parameter \"\(name.prefix(80))\" is not served: a model is what its folder holds."))
            }
            do throws(FileSystemError) {
                try await store.look(for: request.pathParameters["model"] ?? "")
            } catch {
                throw Refusal(response: .unavailable("The models directory cannot be looked at for the moment."))
            }
            let slot = try store.slot(of: request)
            switch await slot.reload() {
            case .success, .unchanged: return .json(Done())
            case .failure(let reason): return .notReloaded(slot, reason: reason)
            case .postponed(let reason): return .reloadPostponed(slot, reason: reason)
            }
        }
    }

    /// Serves a model no longer, until somebody loads it again.
    func unload(_ request: Request) async -> Response {
        await answer(request) { () async throws(Refusal) in
            // Triton's `unload_dependents` may be in it: no model here depends on another.
            _ = try Self.read(LoadRequest.self, request)
            try await store.slot(of: request).unload()
            return .json(Done())
        }
    }

    private func answer(
        _ request: Request, _ respond: () async throws(Refusal) -> Response
    ) async -> Response {
        if let refusal = token.refusal(of: request) { return refusal }
        do throws(Refusal) {
            return try await respond()
        } catch {
            return error.response
        }
    }

    /// Clients send nothing, or a JSON object.
    private static func read<Body: Decodable>(_: Body.Type, _ request: Request) throws(Refusal) -> Body? {
        guard case .bytes(let bytes) = request.body, !bytes.isEmpty else { return nil }
        guard bytes.count <= maxByteCount else {
            throw Refusal(
                response: .problem(
                    .contentTooLarge, "The content has \(bytes.count) bytes; at most \(maxByteCount) are taken here."))
        }
        do {
            return try JSONDecoder().decode(Body.self, from: Data(bytes))
        } catch {
            throw Refusal(
                response: .problem(.badRequest, "The content is not a JSON object of the model repository extension."))
        }
    }

    /// An index or a load says little. Units: bytes.
    static let maxByteCount = 64 << 10
}
