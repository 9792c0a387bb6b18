import Foundation
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

/// Whether large buffers get huge pages.
///
/// - Source: Linux, Documentation/admin-guide/mm/transhuge.rst
struct HugePagesCheck: Check {
    static let path = "/sys/kernel/mm/transparent_hugepage/enabled"

    /// The kernel's list with its choice in brackets; nil where it has none.
    let text: String?

    static var here: Self { Self(text: try? String(contentsOfFile: path, encoding: .utf8)) }

    var finding: Finding {
        let name = "huge pages"
        guard
            let choice = text?.split(separator: "[", omittingEmptySubsequences: false).dropFirst().first?.prefix(
                while: { $0 != "]" })
        else {
            return .warning(
                name, "not offered by this kernel",
                advice: "Use a kernel with CONFIG_TRANSPARENT_HUGEPAGE if speed matters; everything works without.")
        }
        if choice == "always" || choice == "madvise" { return .ok(name, "\(choice)") }
        return .warning(
            name, "\(choice)", advice: "For more speed let root run: echo madvise > \(Self.path)")
    }
}

/// Whether the date can be right: logs, metrics and certificates of proxies stand on it.
struct ClockCheck: Check {
    let now: Date

    /// This program is no older. Units: seconds since 1970.
    static let earliest = 1_767_225_600.0
    /// Nobody will run it so late. Units: seconds since 1970.
    static let latest = 4_102_444_800.0

    var finding: Finding {
        let text = now.formatted(.iso8601)
        guard Self.earliest..<Self.latest ~= now.timeIntervalSince1970 else {
            return .warning(
                "clock", text, advice: "Set the machine's clock (timedatectl set-ntp true): this cannot be the time.")
        }
        return .ok("clock", text)
    }
}

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
