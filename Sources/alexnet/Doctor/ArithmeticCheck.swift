import Foundation
import Host
import Inference

/// Whether small layers come out as their textbook loops say, by every algorithm.
struct ArithmeticCheck: Check {
    /// Above what rounding explains, and below what would change an answer.
    static let limit: Float = 1e-4

    let instructions: InstructionSet
    /// Relative; infinite where a result was not a number.
    let difference: Float

    static func trial(_ instructions: InstructionSet) -> Self {
        Self(instructions: instructions, difference: ArithmeticTrial.largestDifference(with: instructions))
    }

    var finding: Finding {
        let name = "arithmetic"
        let found = "\(instructions.rawValue), " + String(format: "off by %.0e at most", difference)
        guard difference <= Self.limit else {
            return .failed(
                name, found,
                advice:
                    "Do not trust answers from here; run with \(ComputeEnvironment.instructionsVariable) set to another "
                    + "instruction set, and report it with the CPU's name.")
        }
        return .ok(name, found)
    }
}
