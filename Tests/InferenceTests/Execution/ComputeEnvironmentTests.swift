import Testing

@testable import Inference

@Suite("ComputeEnvironment")
struct ComputeEnvironmentTests {
    @Test(
        "Without the variable, or with an empty one, nothing is limited",
        arguments: [[:], ["ALEXNET_INSTRUCTIONS": ""]])
    func noLimit(environment: [String: String]) throws {
        try ComputeEnvironment.limitInstructions(in: environment)
    }

    @Test("A name that is none is refused with those that are")
    func unknownName() {
        let error = #expect(throws: ComputeEnvironment.UnknownInstructionSet.self) {
            try ComputeEnvironment.limitInstructions(in: ["ALEXNET_INSTRUCTIONS": "sse9"])
        }
        #expect(error?.description.contains("portable, avx2, avx512") == true)
    }
}
