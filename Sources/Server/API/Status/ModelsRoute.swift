import Foundation
import HTTPServer
import Inference

/// `GET /v1/models` and `GET /v1/models/{model}`: which models there are, and what is loaded of them.
struct ModelsRoute: Sendable {
    private let store: ModelStore
    private let listing: CoalescedReport

    init(store: ModelStore) {
        self.store = store
        listing = CoalescedReport("models") {
            .json(Listing(models: store.slots.map(Entry.init), default: store.defaultSlot?.name))
        }
    }

    private struct Listing: Encodable {
        let models: [Entry]
        let `default`: String?
    }

    private struct Entry: Encodable {
        let name: String
        let ready: Bool
        let architecture: String?
        let version: String?
        let precision: String?
        let input: [Int]?
        let classes: Int?
        let parameters: Int?
        let format: String?
        let loadedAt: String?
        let memory: Int?
        let reason: String?
        let assumptions: [String]?

        private enum CodingKeys: String, CodingKey {
            case name, ready, architecture, version, precision, input, classes, parameters, format, reason, assumptions
            case memory = "memory_bytes"
            case loadedAt = "loaded_at"
        }

        init(_ slot: ModelSlot) {
            let model = slot.model
            name = slot.name
            ready = model != nil
            architecture = model?.architecture
            version = model?.version
            precision = model?.precisionName
            input = model?.network.inputShape.extents
            classes = model?.classes.count
            parameters = model?.network.parameterCount
            format = model?.checkpointFormat.rawValue
            loadedAt = model?.loadedAt.formatted(.iso8601)
            memory = slot.memoryByteCount
            reason = slot.absence?.reason
            let notes = model.map { $0.notes + $0.assumptions.map(\.description) } ?? []
            assumptions = notes.isEmpty ? nil : notes
        }
    }

    /// All models.
    func list(_ request: Request) async -> Response { await listing() }

    /// The model that the path names.
    func show(_ request: Request) async -> Response {
        do throws(HTTPError) {
            return .json(Entry(try store.slot(of: request)))
        } catch {
            return error.response
        }
    }
}

extension ModelStore {
    /// The model that a request's path names.
    ///
    /// - Throws: ``HTTPError`` of 404 that lists the models there are.
    func slot(of request: Request) throws(HTTPError) -> ModelSlot {
        let name = request.pathParameters["model"] ?? ""
        guard let slot = self[name] else { throw HTTPError(response: .unknownModel(name, self)) }
        return slot
    }
}
