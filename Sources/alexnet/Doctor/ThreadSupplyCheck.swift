/// Whether the system gives the threads that a server needs.
struct ThreadSupplyCheck: Check {
    /// Nil where it does.
    let shortage: ThreadSupply.Shortage?
    let wanted: Int

    static func here(forPoolOf threadCount: Int) -> Self {
        let wanted = ThreadSupply.needed(forPoolOf: threadCount)
        do throws(ThreadSupply.Shortage) {
            try ThreadSupply.check(wanted)
            return Self(shortage: nil, wanted: wanted)
        } catch {
            return Self(shortage: error, wanted: wanted)
        }
    }

    var finding: Finding {
        let name = "new threads"
        guard let shortage else { return .ok(name, "\(wanted) can be started") }
        let advice = shortage.advice
        return .failed(
            name, "\(shortage.found) of the \(wanted) that are needed can be started",
            advice: advice.prefix(1).uppercased() + advice.dropFirst() + ".")
    }
}
