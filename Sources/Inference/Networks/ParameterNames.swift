/// The natural order of names, component by component, with numbers compared by value. `features.3` comes before
/// `features.10`, and `fc.1` before `fc1.0`.
enum NaturalOrder {
    /// Whether the first name comes before the second.
    static func isOrdered(_ left: String, _ right: String) -> Bool { isOrdered(pieces(of: left), pieces(of: right)) }

    /// Sorts items by name. Each name is split only once.
    static func sorted<Item>(_ items: some Sequence<Item>, by name: (Item) -> String) -> [Item] {
        items.map { (item: $0, pieces: pieces(of: name($0))) }
            .sorted { isOrdered($0.pieces, $1.pieces) }.map(\.item)
    }

    private static func isOrdered(_ a: [Piece], _ b: [Piece]) -> Bool {
        for (x, y) in zip(a, b) where x != y {
            if x.isNumber, y.isNumber, x.text.count != y.text.count { return x.text.count < y.text.count }
            return x.text < y.text
        }
        return a.count < b.count
    }

    private struct Piece: Equatable {
        var text: String
        let isNumber: Bool
    }

    private static func pieces(of name: String) -> [Piece] {
        var pieces: [Piece] = []
        for character in name {
            let isDigit = character.isASCII && character.isNumber
            // A dot is a piece of its own, so that `fc.` comes before `fc1.`.
            if let last = pieces.last, last.isNumber == isDigit, character != ".", last.text != "." {
                pieces[pieces.count - 1].text.append(character)
            } else {
                pieces.append(Piece(text: String(character), isNumber: isDigit))
            }
        }
        return pieces
    }
}

/// A layer's position in an `nn.Sequential`, taken from its name: `features.3` has the number 3 in `features`.
///
/// The numbers also count layers without parameters. There are two between `features.0` and `features.3`: ReLU and
/// pooling in torchvision's AlexNet. A gap of three would mean another network.
struct SequentialPlace: Equatable {
    /// The name of the `nn.Sequential`; empty if the whole network is one.
    let container: String
    /// The layer's index in it.
    let number: Int

    /// - Returns: nil if the name does not end in a number.
    init?(_ name: String) {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard let last = parts.last, !last.isEmpty, last.allSatisfy({ $0.isASCII && $0.isNumber }),
            let number = Int(last)
        else { return nil }
        self.number = number
        container = parts.dropLast().joined(separator: ".")
    }

    /// The number of layers between two layers; nil unless both are in one `nn.Sequential`, in this order.
    static func gap(from first: String, to second: String) -> Int? {
        guard let first = Self(first), let second = Self(second), first.container == second.container,
            first.number < second.number
        else { return nil }
        return second.number - first.number - 1
    }
}

extension Network {
    /// The pairs of neighbouring layers with parameters whose numbers do not match the network: they count more or
    /// fewer layers in between than it has.
    ///
    /// Dropout, Flatten and adaptive pooling may or may not be counted, because scripts often call them as functions
    /// instead of modules.
    /// - Precondition: the network is a chain.
    func unexplainedGaps() -> [(first: String, second: String, gap: Int, assumed: [String])] {
        var found: [(first: String, second: String, gap: Int, assumed: [String])] = []
        var last: Int?
        for (index, node) in nodes.enumerated() where node.layer.parameterCount > 0 {
            defer { last = index }
            guard let last, let gap = SequentialPlace.gap(from: nodes[last].name, to: node.name) else { continue }
            let between = nodes[(last + 1)..<index].map(\.layer)
            let optional = between.count {
                $0 is Dropout || $0 is Flatten || $0 is AdaptiveAvgPool2d
            }
            // A linear layer may have a dropout before it that this network lacks. At inference, dropout does nothing.
            let mayDropOut = node.layer is Linear && !between.contains { $0 is Dropout } ? 1 : 0
            guard !(between.count - optional...between.count + mayDropOut ~= gap) else { continue }
            found.append((nodes[last].name, node.name, gap, between.map { "\(type(of: $0))" }))
        }
        return found
    }

    /// The first two of ``unexplainedGaps()`` as assumptions.
    ///
    /// - Parameter line: the line for `model.json` that decides them.
    func gapAssumptions(line: String) -> [Assumption] {
        unexplainedGaps().prefix(2).map { gap in
            let assumed = gap.assumed.isEmpty ? "no layer is" : gap.assumed.joined(separator: ", ") + " are"
            return Assumption(
                "\"\(gap.first)\" and \"\(gap.second)\" leave room for \(gap.gap) layer\(gap.gap == 1 ? "" : "s") between "
                    + "them, where \(assumed) assumed: compare with your network's code",
                line: line)
        }
    }
}

/// Tensors in a checkpoint that only training used and the script's module held: a loss's class weights, the state of
/// metrics, a profiler's counters. No prediction depends on them.
enum TrainingTensor {
    /// Whether a name is that of such a tensor. Its components decide, such as `criterion` in `model.criterion.weight`.
    static func hasName(_ name: String) -> Bool {
        let parts = name.lowercased().split(separator: ".")
        guard let last = parts.last else { return false }
        if counters.contains(String(last)) { return true }
        if parts.count == 1, classWeights.contains(String(last)) { return true }
        return parts.dropLast().contains { isLoss($0) || isMetric($0) }
    }

    /// The buffers that the profiler thop registers in every module.
    private static let counters: Set = ["total_ops", "total_params"]
    /// The names of class weights that a module registers for its loss.
    private static let classWeights: Set = [
        "class_weights", "class_weight", "pos_weight", "loss_weights", "loss_weight",
    ]

    private static func isLoss(_ part: Substring) -> Bool {
        part == "criterion" || part.hasPrefix("criterion_") || part.hasSuffix("_criterion") || part == "loss"
            || part.hasPrefix("loss_") || part.hasSuffix("_loss") || part == "lossfn" || part.hasSuffix("loss_fn")
            || part == "losses"
    }

    private static func isMetric(_ part: Substring) -> Bool {
        if part == "metric" || part == "metrics" || part.hasSuffix("_metrics") || part.hasSuffix("_metric") {
            return true
        }
        let measures = ["acc", "accuracy", "f1", "auroc", "auc", "precision", "recall", "confmat", "confusion", "top"]
        return ["train", "val", "valid", "validation", "test"].contains { phase in
            part.hasPrefix(phase + "_") && measures.contains { part.dropFirst(phase.count + 1).hasPrefix($0) }
        }
    }
}

extension Checkpoint {
    /// The names of tensors that only training used and no network reads: those of losses, metrics and counters.
    public var companionNames: [String] { tensors.names.filter(TrainingTensor.hasName) }
}
