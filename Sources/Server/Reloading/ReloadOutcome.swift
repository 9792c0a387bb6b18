/// What became of a reload.
public enum ReloadOutcome: Equatable, Sendable {
    /// Another version serves now.
    case success(version: String)
    /// The files hold what is served already.
    case unchanged(version: String)
    /// The running model stays; the reason is a sentence.
    case failure(reason: String)

    /// The value of the metric's label `outcome`.
    public var label: String {
        switch self {
        case .success: "success"
        case .unchanged: "unchanged"
        case .failure: "failure"
        }
    }
}
