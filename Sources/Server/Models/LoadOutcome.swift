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
