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
