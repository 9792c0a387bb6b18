import Server

/// Whether the server could listen.
struct PortCheck: Check {
    /// `server.host` and `server.port`.
    let wanted: String
    /// Why not; nil where it could.
    let refusal: String?

    var finding: Finding {
        guard let refusal else { return .ok("port", "\(wanted) is free") }
        return .failed("port", wanted, advice: refusal)
    }
}

extension PortCheck {
    init(_ settings: Settings) {
        do {
            wanted = try settings.server.tryListening()
            refusal = nil
        } catch {
            wanted = "\(settings.server.host) \(settings.server.port)"
            refusal = "\(error)"
        }
    }
}
