import Testing

@testable import Inference

@Suite("Ranking of classes")
struct ClassificationTests {
    private let classes = ClassMap(names: ["a", "b", "c", "d"])

    @Test("The best come first; of two equal ones the lower index")
    func order() {
        let classification = Classification(logits: [1, 3, 3, 2], classes: classes, top: 3)
        #expect(classification.top.map(\.label) == ["b", "c", "d"])
        #expect(classification.best.index == 1)
        #expect(classification.top[0].probability == classification.top[1].probability)
    }

    @Test("As many as asked for, at least one and at most all", arguments: [(0, 1), (1, 1), (4, 4), (5, 4)])
    func count(asked: Int, listed: Int) {
        #expect(Classification(logits: [1, 2, 3, 4], classes: classes, top: asked).top.count == listed)
    }

    @Test("Where probabilities are all zero but one, logits still order the rest")
    func underflow() {
        let classification = Classification(logits: [-500, 1000, -400, -300], classes: classes, top: 4)
        #expect(classification.top.map(\.label) == ["b", "d", "c", "a"])
    }
}
