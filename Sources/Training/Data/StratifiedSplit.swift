/// Which pictures are held out for validation: the same share of every class, drawn by a seed.
struct StratifiedSplit: Equatable {
    /// Ascending.
    let training: [Int]
    /// Ascending.
    let validation: [Int]

    /// Draws from each class the share, rounded, at least one picture; a class of one picture keeps it for training.
    ///
    /// - Parameters:
    ///   - labels: one a picture.
    ///   - share: more than 0 and less than 1.
    init(labels: [Int], share: Double, seed: UInt64) {
        let groups = Dictionary(grouping: labels.indices) { labels[$0] }
        var (training, validation): ([Int], [Int]) = ([], [])
        for (label, indices) in groups.sorted(by: { $0.key < $1.key }) {
            var generator = SplitMix64(seed: seed, purpose: .split, label)
            let shuffled = generator.shuffled(indices)
            let count = max(1, min(shuffled.count - 1, Int((share * Double(shuffled.count)).rounded())))
            let held = shuffled.count == 1 ? 0 : count
            validation += shuffled.prefix(held)
            training += shuffled.dropFirst(held)
        }
        self.training = training.sorted()
        self.validation = validation.sorted()
    }
}
