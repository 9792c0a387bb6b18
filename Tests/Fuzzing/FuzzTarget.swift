/// Code that reads strangers' bytes, and what must hold whatever they are.
struct FuzzTarget: Sendable {
    let name: String
    /// The longest input; long enough for every branch, short enough for thousands of runs a second. Units: bytes.
    var maxByteCount = 4096
    /// Files that mutation starts from: patterns below `Tests`, besides those in `Fuzzing/Seeds/NAME` and `Fuzzing/Found/NAME`.
    var seeds: [String] = []
    /// Reads an input; ends the process if a property does not hold.
    let run: @Sendable ([UInt8]) -> Void

    static let all = messageTargets + bodyTargets + imageTargets + checkpointTargets + modelTargets
}

/// Ends the process, as a crash that libFuzzer reports, unless a property holds.
func require(_ holds: @autoclosure () -> Bool, _ property: @autoclosure () -> String) {
    if !holds() { fatalError("does not hold: \(property())") }
}
