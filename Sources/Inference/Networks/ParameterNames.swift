/// The order of names in which numbers count by their value, component by component: `features.3` before `features.10`, and
/// `fc.1` before `fc1.0`.
enum NaturalOrder {
    /// Compares runs of digits by their value, and all else by characters.
    static func isOrdered(_ left: String, _ right: String) -> Bool { isOrdered(pieces(of: left), pieces(of: right)) }

    /// Puts items in order, and takes each of their names apart but once.
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
            // A dot stands alone, so that a component that goes on comes behind one that ends.
            if let last = pieces.last, last.isNumber == isDigit, character != ".", last.text != "." {
                pieces[pieces.count - 1].text.append(character)
            } else {
                pieces.append(Piece(text: String(character), isNumber: isDigit))
            }
        }
        return pieces
    }
}

/// Where a layer stands in an `nn.Sequential`, as its name tells: `features.3` is number 3 of `features`.
///
/// The numbers count layers without parameters too. Between `features.0` and `features.3` stand two of them: a ReLU and a
/// pooling in torchvision's AlexNet. A gap of three is another network's.
struct SequentialPlace: Equatable {
    /// The name of the `nn.Sequential`; empty where the whole network is one.
    let container: String
    /// Its number there, from 0 on.
    let number: Int

    /// nil where the name does not end in a number.
    init?(_ name: String) {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard let last = parts.last, !last.isEmpty, last.allSatisfy({ $0.isASCII && $0.isNumber }),
            let number = Int(last)
        else { return nil }
        self.number = number
        container = parts.dropLast().joined(separator: ".")
    }

    /// How many layers stand between two; nil where they are not in one `nn.Sequential`, in this order.
    static func gap(from first: String, to second: String) -> Int? {
        guard let first = Self(first), let second = Self(second), first.container == second.container,
            first.number < second.number
        else { return nil }
        return second.number - first.number - 1
    }
}

extension Network {
    /// The pairs of neighbouring layers between which the names leave room for other layers than the network has there.
    ///
    /// Dropout and Flatten may be there or not: they change nothing, or are called without a module of their own.
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
            // Between two linear layers stands an activation, and a dropout if somebody wanted one.
            let mayDropOut = node.layer is Linear && !between.contains { $0 is Dropout } ? 1 : 0
            guard !(between.count - optional...between.count + mayDropOut ~= gap) else { continue }
            found.append((nodes[last].name, node.name, gap, between.map { "\(type(of: $0))" }))
        }
        return found
    }

    /// The same as sentences.
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

/// Tensors that lie beside a network's because a training script's module held them too: class weights of a loss, the state
/// of metrics, counters of a profiler. No prediction depends on them.
enum TrainingCompanion {
    /// Whether a tensor's name is that of such a one. The check goes by the components of the name, as `criterion` in
    /// `model.criterion.weight`.
    static func isOne(_ name: String) -> Bool {
        let parts = name.lowercased().split(separator: ".")
        guard let last = parts.last else { return false }
        if counters.contains(String(last)) { return true }
        if parts.count == 1, classWeights.contains(String(last)) { return true }
        return parts.dropLast().contains { isLoss($0) || isMetric($0) }
    }

    /// What thop, a counter of operations, registers in every module.
    private static let counters: Set = ["total_ops", "total_params"]
    /// Class weights that a module registers for its loss.
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
    /// The names of tensors that no network reads: those of losses, metrics and counters.
    public var companionNames: [String] { tensors.names.filter(TrainingCompanion.isOne) }
}
