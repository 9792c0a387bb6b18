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
