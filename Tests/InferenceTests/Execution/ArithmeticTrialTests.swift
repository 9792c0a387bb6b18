import Host
import Testing

@testable import Inference

@Suite("ArithmeticTrial")
struct ArithmeticTrialTests {
    @Test("Every instruction set computes what the textbook loops do", arguments: InstructionSet.allCases)
    func instructions(_ set: InstructionSet) {
        let difference = ArithmeticTrial.largestDifference(with: set)
        #expect(difference < 2e-5)
        #expect(difference > 0, "rounding leaves no trace: were two results compared?")
        #expect(InstructionSet.current == .widest)
    }

    @Test("Differences are relative to the largest value, and what is no number is infinitely far off")
    func difference() {
        #expect(ArithmeticTrial.difference([1, 8], [1, 10]) == 0.2)
        #expect(ArithmeticTrial.difference([0.25], [0.5]) == 0.25)
        #expect(ArithmeticTrial.difference([.nan, 1], [1, 1]) == .infinity)
        #expect(ArithmeticTrial.difference([1], [1, 1]) == .infinity)
    }
}
