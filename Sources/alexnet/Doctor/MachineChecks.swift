import Foundation
import Host
import Inference

/// Checks that the CPU's widest vector instructions are used, and that they are at least AVX2.
struct ProcessorCheck: Check {
    /// The CPU's name.
    let cpuName: String
    /// The instruction set in use.
    let current: InstructionSet
    /// The widest instruction set of the CPU.
    let widest: InstructionSet
    /// Whether the CPU is x86-64. On arm64, the portable instructions are the widest.
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
                name, "\(cpuName), \(current.rawValue) is used although it has \(widest.rawValue)",
                advice: "Unset \(ComputeEnvironment.instructionsVariable) unless this is intended.")
        }
        if isX86, widest == .portable {
            return .warning(
                name, "\(cpuName), without AVX2 and FMA",
                advice:
                    "Inference is several times slower. Let the virtual machine use the host's CPU model, or use a newer CPU."
            )
        }
        return .ok(name, "\(cpuName), \(current.rawValue)")
    }
}

/// Checks that OpenBLAS uses kernels that are as wide as the CPU, and that no environment variable overrides them.
struct OpenBLASCheck: Check {
    /// The environment variables.
    let environment: [String: String]
    /// The CPU whose kernels OpenBLAS uses.
    let kernels: String
    /// The widest instruction set of the CPU.
    let widest: InstructionSet

    static func here(_ environment: [String: String]) -> Self {
        Self(environment: environment, kernels: OpenBLASKernels.name, widest: .widest)
    }

    var finding: Finding {
        let set = ComputeEnvironment.blasVariables.filter { environment[$0] != nil }
        if !set.isEmpty {
            return .warning(
                "openblas",
                set.map { "\($0)=\(environment[$0] ?? "")" }.joined(separator: " and ") + ", kernels for \(kernels)",
                advice:
                    "Unset \(set.joined(separator: " and ")) unless this is intended: the kernels are chosen for this CPU."
            )
        }
        if OpenBLASKernels.replacement(for: kernels, on: widest) != nil {
            return .warning(
                "openblas", "kernels for \(kernels), without AVX2",
                advice:
                    "Training is slower. Install an OpenBLAS that knows this CPU, or that was built with DYNAMIC_ARCH.")
        }
        return .ok("openblas", "kernels for \(kernels)")
    }
}

/// Checks that large buffers can use huge pages.
///
/// - Source: Linux, Documentation/admin-guide/mm/transhuge.rst
struct HugePagesCheck: Check {
    static let path = "/sys/kernel/mm/transparent_hugepage/enabled"

    /// The kernel's options, with the active one in brackets; nil if the kernel does not support huge pages.
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
                advice: "For more speed, use a kernel with CONFIG_TRANSPARENT_HUGEPAGE; everything works without it.")
        }
        if choice == "always" || choice == "madvise" { return .ok(name, "\(choice)") }
        return .warning(
            name, "\(choice)", advice: "For more speed, run as root: echo madvise > \(Self.path)")
    }
}

/// Checks that the date is plausible. Logs, metrics and proxies' certificates depend on it.
struct ClockCheck: Check {
    /// The current time of the machine.
    let now: Date

    /// 2026-01-01, before this version was released. Units: seconds since 1970.
    static let earliest = 1_767_225_600.0
    /// 2100-01-01. Units: seconds since 1970.
    static let latest = 4_102_444_800.0

    var finding: Finding {
        let text = now.formatted(.iso8601)
        guard Self.earliest..<Self.latest ~= now.timeIntervalSince1970 else {
            return .warning(
                "clock", text, advice: "Set the machine's clock (timedatectl set-ntp true): this date is not plausible."
            )
        }
        return .ok("clock", text)
    }
}

/// Checks that the system allows the threads that a server needs.
struct ThreadSupplyCheck: Check {
    /// The missing threads; nil if enough threads can be started.
    let shortage: ThreadSupply.Shortage?
    /// The number of threads that a server needs.
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
            name, "only \(shortage.found) of the \(wanted) that are needed can be started",
            advice: advice.prefix(1).uppercased() + advice.dropFirst() + ".")
    }
}
