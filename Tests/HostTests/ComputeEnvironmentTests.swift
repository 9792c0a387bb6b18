import Testing

@testable import Host

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

    @Test("The CPU's name is the kernel's, and the architecture's where it has none")
    func cpuName() throws {
        #expect(ComputeEnvironment.cpuName(in: "processor: 0\nmodel name\t: Some: CPU \nflags: a\n") == "Some: CPU")
        #expect(ComputeEnvironment.cpuName(in: "processor: 0\n") == nil)
        #expect(ComputeEnvironment.cpuName(in: "") == nil)
        // Files in /proc tell no size, and are easily taken for empty.
        let text = try String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
        if let name = ComputeEnvironment.cpuName(in: text) { #expect(ComputeEnvironment.cpuName == name) }
    }
}
