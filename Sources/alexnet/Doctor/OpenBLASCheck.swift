import Host
import Inference

/// Whether OpenBLAS may choose for itself.
struct OpenBLASCheck: Check {
    let environment: [String: String]

    var finding: Finding {
        let set = ComputeEnvironment.blasVariables.filter { environment[$0] != nil }
        guard !set.isEmpty else { return .ok("openblas", "not told what to use") }
        return .warning(
            "openblas", set.map { "\($0)=\(environment[$0] ?? "")" }.joined(separator: " and "),
            advice:
                "Unset \(set.joined(separator: " and ")) unless that is meant: OpenBLAS chooses by the CPU it finds.")
    }
}
