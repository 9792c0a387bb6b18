import Host
import Testing

@testable import Inference

@Suite("ArithmeticTrial", .timeLimit(.minutes(2)))
struct ArithmeticTrialTests {
    @Test(arguments: InstructionSet.allCases)
    func `every instruction set computes what the textbook loops do`(_ set: InstructionSet) {
        let difference = ArithmeticTrial.largestDifference(with: set)
        #expect(difference < 2e-5)
        #expect(difference > 0, "rounding leaves no trace: were two results compared?")
        #expect(InstructionSet.current == .widest)
    }

    @Test func `differences are relative to the largest value, and NaN is infinitely far off`() {
        #expect(ArithmeticTrial.difference([1, 8], [1, 10]) == 0.2)
        #expect(ArithmeticTrial.difference([0.25], [0.5]) == 0.25)
        #expect(ArithmeticTrial.difference([.nan, 1], [1, 1]) == .infinity)
        #expect(ArithmeticTrial.difference([1], [1, 1]) == .infinity)
    }
}
