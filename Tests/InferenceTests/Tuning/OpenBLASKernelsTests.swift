import Host
import Testing

@testable import Inference

@Suite("OpenBLAS's kernels on CPUs that it does not know", .timeLimit(.minutes(2)))
struct OpenBLASKernelsTests {
    @Test(arguments: ["Prescott", "Barcelona", "Nehalem", "Sandybridge", "core2"])
    func `kernels from before AVX2 are replaced by those of the CPU's instruction set`(name: String) {
        #expect(OpenBLASKernels.replacement(for: name, on: .avx2) == "Haswell")
        #expect(OpenBLASKernels.replacement(for: name, on: .avx512) == "SkylakeX")
        #expect(OpenBLASKernels.replacement(for: name, on: .amx) == "SkylakeX")
        #expect(OpenBLASKernels.replacement(for: name, on: .portable) == nil)
    }

    @Test(arguments: [
        "Haswell", "Zen", "SkylakeX", "Cooperlake", "SapphireRapids", "neoversen1", "one of the next years",
    ])
    func `other kernels stay, also those of a CPU that is not known here`(name: String) {
        for instructions in InstructionSet.allCases {
            #expect(OpenBLASKernels.replacement(for: name, on: instructions) == nil)
        }
    }
}
