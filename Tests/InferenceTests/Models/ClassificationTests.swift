import Testing
@testable import Inference

@Suite("Ranking of classes", .timeLimit(.minutes(2)))
struct ClassificationTests {
    private let classes = ClassMap(names: ["a", "b", "c", "d"])

    @Test func `the best come first; of two equal ones the lower index`() {
        let classification = Classification(logits: [1, 3, 3, 2], classes: classes, top: 3)
        #expect(classification.top.map(\.label) == ["b", "c", "d"])
        #expect(classification.best.index == 1)
        #expect(classification.top[0].probability == classification.top[1].probability)
    }

    @Test(arguments: [(0, 1), (1, 1), (4, 4), (5, 4)])
    func `as many as asked for, at least one and at most all`(asked: Int, listed: Int) {
        #expect(Classification(logits: [1, 2, 3, 4], classes: classes, top: asked).top.count == listed)
    }

    @Test func `where probabilities are all zero but one, logits still order the rest`() {
        let classification = Classification(logits: [-500, 1000, -400, -300], classes: classes, top: 4)
        #expect(classification.top.map(\.label) == ["b", "d", "c", "a"])
    }
}

@Suite("Soft-max", .timeLimit(.minutes(2)))
struct SoftmaxTests {
    @Test(arguments: LayerFixture.softmax.filter { $0.input.shape[1] > 1 })
    func `probabilities are PyTorch's`(_ fixture: LayerFixture) {
        let classCount = fixture.input.shape[1]
        for row in 0..<fixture.input.shape[0] {
            let range = row * classCount..<(row + 1) * classCount
            let output = Softmax.probabilities(of: Array(fixture.input.values[range]))
            #expect(largestDifference(output, Array(fixture.output.values[range])) < 1e-7)
        }
    }

    @Test func `one logit has a sigmoid: a soft-max would answer 1 whatever it is`() {
        #expect(Softmax.probabilities(of: [0]) == [0.5])
        #expect(abs(Softmax.probabilities(of: [2])[0] - 0.880797) < 1e-6)
        #expect(Softmax.probabilities(of: [-1000]) == [0] && Softmax.probabilities(of: [1000]) == [1])
    }

    @Test func `large logits do not overflow, and none makes none`() {
        #expect(Softmax.probabilities(of: [1000, 1000]) == [0.5, 0.5])
        #expect(Softmax.probabilities(of: [-3e38, 3e38]) == [0, 1])
        #expect(Softmax.probabilities(of: []).isEmpty)
    }
}
