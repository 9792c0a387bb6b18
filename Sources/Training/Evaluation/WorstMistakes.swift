/// Of all mistakes, those with the largest loss: the pictures that are worth looking at.
public struct WorstMistakes: Sendable {
    /// The worst first.
    public private(set) var mistakes: [Mistake] = []
    private let limit: Int

    /// Keeps no more than that.
    public init(limit: Int) { self.limit = limit }

    /// Looks at one answer.
    public mutating func add(_ outcome: Evaluation.Outcome, label: Int, name: @autoclosure () -> String) {
        guard limit > 0, outcome.predicted != label, !outcome.loss.isNaN else { return }
        if mistakes.count == limit, let least = mistakes.last, outcome.loss <= least.loss { return }
        let mistake = Mistake(
            name: name(), label: label, predicted: outcome.predicted, probability: outcome.probability,
            loss: outcome.loss)
        // Behind its equals, so that the order does not depend on chance.
        let place = mistakes.firstIndex { $0.loss < mistake.loss } ?? mistakes.endIndex
        mistakes.insert(mistake, at: place)
        if mistakes.count > limit { mistakes.removeLast() }
    }
}
