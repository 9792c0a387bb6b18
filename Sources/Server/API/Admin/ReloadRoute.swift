import HTTPServer

/// `POST /v1/models/{model}/reload`: loads a model now and answers with the outcome. Served only with an admin token.
struct ReloadRoute: Sendable {
    let store: ModelStore
    let token: AdminToken

    private struct Answer: Encodable {
        let model: String
        let outcome: String
        let version: String?
    }

    func callAsFunction(_ request: Request) async -> Response {
        if let refusal = token.refusal(of: request) { return refusal }
        do throws(HTTPError) {
            let slot = try store.slot(of: request)
            let result = await slot.reload()
            switch result {
            case .success(let version), .unchanged(let version):
                return .json(Answer(model: slot.name, outcome: result.outcome.rawValue, version: version))
            case .failure(let reason): return .notReloaded(slot, reason: reason)
            case .postponed(let reason): return .reloadPostponed(slot, reason: reason)
            }
        } catch {
            return error.response
        }
    }
}
