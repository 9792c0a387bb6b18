import Host
import Inference

/// Whether the inner loops may use the widest vector instructions, and whether those are wide enough.
struct ProcessorCheck: Check {
    let cpuName: String
    let current: InstructionSet
    let widest: InstructionSet
    /// On arm64 the portable instructions are the widest there are.
    let isX86: Bool

    static var here: Self {
        #if arch(x86_64)
            let isX86 = true
        #else
            let isX86 = false
        #endif
        return Self(
            cpuName: ComputeEnvironment.cpuName, current: .current, widest: .widest, isX86: isX86)
    }

    var finding: Finding {
        let name = "processor"
        if current != widest {
            return .warning(
                name, "\(cpuName), \(current.rawValue) in use where it has \(widest.rawValue)",
                advice: "Unset \(ComputeEnvironment.instructionsVariable) unless that is meant.")
        }
        if isX86, widest == .portable {
            return .warning(
                name, "\(cpuName), without AVX2 and FMA",
                advice:
                    "Expect a fraction of the speed; let a virtual machine pass the host's instructions on, or use a newer CPU."
            )
        }
        return .ok(name, "\(cpuName), \(current.rawValue)")
    }
}
