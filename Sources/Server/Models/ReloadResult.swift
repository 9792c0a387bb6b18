/// What became of a reload, and why.
public enum ReloadResult: Equatable, Sendable {
    /// Another version serves now.
    case success(version: String)
    /// The files hold what is served already.
    case unchanged(version: String)
    /// The running model stays; the reason is for clients, without path and content.
    case failure(reason: String)
    /// The files could not be looked at, or were changing; they are looked at again, and the running model stays meanwhile.
    case postponed(reason: String)

    /// The same without the details, as it is counted.
    public var outcome: ReloadOutcome {
        switch self {
        case .success: .success
        case .unchanged: .unchanged
        case .failure: .failure
        case .postponed: .postponed
        }
    }
}
