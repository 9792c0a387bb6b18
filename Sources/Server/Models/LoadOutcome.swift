import Inference

/// Why a load failed: once for clients, and once for the log.
struct LoadRefusal: Equatable, Sendable {
    /// For clients, as the end of a sentence: what kind of thing is wrong, without a path and without a byte of any
    /// file.
    let reason: String
    /// For the log: everything.
    let detail: String
    /// Whether the files themselves may be fine, so that another try may succeed.
    let isTransient: Bool

    /// The files changed while they were read.
    static let changing = LoadRefusal(
        reason: "its files changed while they were read", detail: "its files changed while they were read",
        isTransient: true)

    /// The files could not be checked; the log has said why.
    static let notSeen = LoadRefusal(
        reason: "its files cannot be accessed for the moment", detail: "its files cannot be accessed",
        isTransient: true)
}

extension LoadRefusal {
    init(_ error: ModelError) {
        self.init(reason: error.reason, detail: error.description, isTransient: error.isTransient)
    }
}

extension ModelSlot {
    /// Why no version of a model is served.
    enum Absence: Equatable, Sendable {
        /// The first load has not ended.
        case notLoaded
        /// The last load was refused.
        case refused(LoadRefusal)
        /// The files could not be checked, or were changing; they are checked again.
        case postponed(LoadRefusal)
        /// The last load did not fit into memory beside the other models.
        case noMemory(MemoryBudgetError)
        /// An administrator unloaded it.
        case unloaded
        /// Its folder is gone.
        case removed

        /// For clients: no path, and no byte of any file.
        var reason: String {
            switch self {
            case .notLoaded: "not loaded yet"
            case .refused(let refusal), .postponed(let refusal): refusal.reason
            case .noMemory(let error): error.description
            case .unloaded: "unloaded"
            case .removed: "its folder is gone"
            }
        }

        /// For the log: everything.
        var detail: String {
            switch self {
            case .refused(let refusal), .postponed(let refusal): refusal.detail
            default: reason
            }
        }
    }
}

/// How a reload ended, and why.
public enum ReloadResult: Equatable, Sendable {
    /// Another version is served now.
    case success(version: String)
    /// The files hold the version that is served already.
    case unchanged(version: String)
    /// The running version stays. The reason is for clients, without path and content.
    case failure(reason: String)
    /// The files could not be checked, or were changing. They are checked again; the running version stays meanwhile.
    case postponed(reason: String)

    /// The outcome without details, as it is counted.
    public var outcome: ReloadOutcome {
        switch self {
        case .success: .success
        case .unchanged: .unchanged
        case .failure: .failure
        case .postponed: .postponed
        }
    }
}

/// How a reload ended: the label `outcome` of `alexnet_model_reloads_total`.
public enum ReloadOutcome: String, Sendable, CaseIterable {
    /// The new version is served.
    case success
    /// The new files were refused, and the running version stays.
    case failure
    /// The files are those of the running version.
    case unchanged
    /// The files could not be checked, or were changing: they are checked again.
    case postponed
}
