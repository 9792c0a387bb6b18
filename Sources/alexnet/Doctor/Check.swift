/// Judges facts that somebody else has gathered: a finding follows from them alone, so that tests can make them up.
protocol Check: Sendable {
    var finding: Finding { get }
}
