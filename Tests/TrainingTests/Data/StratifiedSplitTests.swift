import Testing

@testable import Training

struct StratifiedSplitTests {
    @Test("Every class gives its share, rounded, but at least one picture and never all")
    func shares() {
        let labels = [0, 0, 0, 0, 0, 1, 1, 2] + Array(repeating: 3, count: 25)
        for (share, expected) in [(0.1, [1, 1, 0, 3]), (0.5, [3, 1, 0, 13]), (0.99, [4, 1, 0, 24])] {
            let split = StratifiedSplit(labels: labels, share: share, seed: 3)
            #expect((0..<4).map { label in split.validation.count { labels[$0] == label } } == expected)
            #expect((split.training + split.validation).sorted() == Array(labels.indices))
            #expect(split.training == split.training.sorted())
        }
    }

    @Test("The seed decides who is held out")
    func seeded() {
        let labels = Array(repeating: 0, count: 100)
        #expect(
            StratifiedSplit(labels: labels, share: 0.2, seed: 1) == StratifiedSplit(labels: labels, share: 0.2, seed: 1)
        )
        #expect(
            StratifiedSplit(labels: labels, share: 0.2, seed: 1) != StratifiedSplit(labels: labels, share: 0.2, seed: 2)
        )
    }
}
