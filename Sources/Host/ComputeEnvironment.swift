import Foundation

/// Environment variables that affect the arithmetic, and the CPU that it runs on.
public enum ComputeEnvironment {
    /// The variable that limits the inner loops to an ``InstructionSet``. It does not affect OpenBLAS, which has
    /// `OPENBLAS_CORETYPE`.
    public static let instructionsVariable = "ALEXNET_INSTRUCTIONS"

    /// A value of ``instructionsVariable`` that names no instruction set.
    public struct UnknownInstructionSet: Error, CustomStringConvertible {
        /// The variable's value.
        public let value: String

        /// One sentence.
        public var description: String {
            let names = InstructionSet.allCases.map(\.rawValue).joined(separator: ", ")
            return
                "\(instructionsVariable)=\(value) is not an instruction set; it is one of \(names), or unset for the "
                + "widest that the CPU has"
        }
    }

    /// Applies ``instructionsVariable``. Call it before the first model is loaded.
    public static func limitInstructions(
        in environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(UnknownInstructionSet) {
        guard let value = environment[instructionsVariable], !value.isEmpty else { return }
        guard let set = InstructionSet(rawValue: value.lowercased()) else { throw UnknownInstructionSet(value: value) }
        InstructionSet.limit(to: set)
    }

    /// The CPU's name as the kernel reports it, or else the architecture's.
    public static var cpuName: String {
        // Files in /proc report no size before they are read.
        let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        return cpuName(in: text) ?? architecture
    }

    static func cpuName(in cpuInformation: String) -> String? {
        cpuInformation.split(separator: "\n")
            .first { $0.hasPrefix("model name") }?
            .split(separator: ":", maxSplits: 1).dropFirst().first?.trimmingCharacters(in: .whitespaces)
    }

    private static var architecture: String {
        #if arch(x86_64)
            "x86-64"
        #elseif arch(arm64)
            "arm64"
        #else
            "unknown"
        #endif
    }

    /// The variables that make OpenBLAS assume another CPU than it detects.
    public static let blasVariables = ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"]

    /// Sentences about variables that cost speed; empty if there are none.
    public static var warnings: [String] {
        let environment = ProcessInfo.processInfo.environment
        var warnings = blasVariables.compactMap { name in
            environment[name].map { value in
                "\(name)=\(value) is set, which overrules what OpenBLAS would choose "
                    + "for this CPU; unset it unless this is intended"
            }
        }
        if InstructionSet.current != InstructionSet.widest {
            warnings.append(
                "\(instructionsVariable) limits the arithmetic to \(InstructionSet.current.rawValue) where this CPU has "
                    + "\(InstructionSet.widest.rawValue); unset it unless this is intended")
        }
        return warnings
    }
}
