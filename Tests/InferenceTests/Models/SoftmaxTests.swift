import Testing

@testable import Inference

@Suite("Soft-max")
struct SoftmaxTests {
    @Test("Probabilities are PyTorch's", arguments: LayerFixture.softmax.filter { $0.input.shape[1] > 1 })
    func equalsPyTorch(_ fixture: LayerFixture) {
        let classCount = fixture.input.shape[1]
        for row in 0..<fixture.input.shape[0] {
            let range = row * classCount..<(row + 1) * classCount
            let output = Softmax.probabilities(of: Array(fixture.input.values[range]))
            #expect(largestDifference(output, Array(fixture.output.values[range])) < 1e-7)
        }
    }

    @Test("One logit has a sigmoid: a soft-max would answer 1 whatever it is")
    func one() {
        #expect(Softmax.probabilities(of: [0]) == [0.5])
        #expect(abs(Softmax.probabilities(of: [2])[0] - 0.880797) < 1e-6)
        #expect(Softmax.probabilities(of: [-1000]) == [0] && Softmax.probabilities(of: [1000]) == [1])
    }

    @Test("Large logits do not overflow, and none makes none")
    func extremes() {
        #expect(Softmax.probabilities(of: [1000, 1000]) == [0.5, 0.5])
        #expect(Softmax.probabilities(of: [-3e38, 3e38]) == [0, 1])
        #expect(Softmax.probabilities(of: []).isEmpty)
    }
}
