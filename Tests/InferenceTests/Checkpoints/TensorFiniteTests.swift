import Testing

@testable import Inference

@Suite("Finite check")
struct TensorFiniteTests {
    @Test("The first value that is not finite is found wherever it stands", arguments: [0, 1, 4095, 4096, 8191, 9999])
    func findsNonFinite(_ index: Int) {
        for value in [Float.infinity, -.infinity, .nan, -.nan, .signalingNaN] {
            var scalars = [Float](repeating: .greatestFiniteMagnitude, count: 10_000)
            scalars[index] = value
            scalars[9999] = .nan
            #expect(Tensor([10_000], scalars: scalars).firstNonFiniteIndex == index)
        }
    }

    @Test("Every finite value passes")
    func passesFinite() throws {
        let scalars: [Float] = [
            0, -0.0, 1, -1, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, .leastNormalMagnitude,
            .greatestFiniteMagnitude, -.greatestFiniteMagnitude,
        ]
        let tensor = Tensor([9], scalars: scalars)
        #expect(tensor.firstNonFiniteIndex == nil)
        try tensor.checkFinite(name: "w")
        #expect(Tensor([0], scalars: []).firstNonFiniteIndex == nil)
    }

    @Test("The error names the tensor, the place and the value")
    func namesTheValue() {
        #expect(throws: CheckpointError.nonFinite(name: "fc.bias", index: 2, value: "nan")) {
            try Tensor([3], scalars: [1, 2, .nan]).checkFinite(name: "fc.bias")
        }
        #expect(throws: CheckpointError.nonFinite(name: "fc.bias", index: 0, value: "-inf")) {
            try Tensor([1], scalars: [-.infinity]).checkFinite(name: "fc.bias")
        }
    }
}
