import Inference

/// Why a load came to nothing, for each of its two readers.
struct LoadRefusal: Equatable, Sendable {
    /// For clients, as the end of a sentence: what kind of thing is wrong, without a path and without a byte of any file.
    let reason: String
    /// For the log: everything.
    let detail: String
    /// Whether nothing is known against the files: another try may end otherwise.
    let isPassing: Bool

    /// The files changed while they were read.
    static let changing = LoadRefusal(
        reason: "its files changed while they were read", detail: "its files changed while they were read",
        isPassing: true)

    /// The files could not be looked at; the log has said why.
    static let notSeen = LoadRefusal(
        reason: "its files cannot be looked at for the moment", detail: "its files cannot be looked at", isPassing: true
    )
}

extension LoadRefusal {
    init(_ error: ModelError) { self.init(reason: error.reason, detail: error.description, isPassing: error.isPassing) }
}

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

/// How an attempt to load a model again ended.
public enum ReloadOutcome: String, Sendable, CaseIterable {
    /// The new version serves.
    case success
    /// The new files were refused, and the running version stays.
    case failure
    /// The files are those of the running version.
    case unchanged
    /// The files could not be looked at, or were changing: they are looked at again.
    case postponed
}
