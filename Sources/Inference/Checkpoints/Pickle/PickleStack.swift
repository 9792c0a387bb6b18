/// The operand stack of a pickle, with its marks: nothing below the last mark can be reached.
struct PickleStack {
    private var values: [PickleValue] = []
    private var marks: [Int] = []

    private var floor: Int { marks.last ?? 0 }

    var top: PickleValue? { values.count > floor ? values.last : nil }

    mutating func push(_ value: PickleValue) { values.append(value) }

    mutating func mark() { marks.append(values.count) }

    mutating func pop() -> PickleValue? { values.count > floor ? values.removeLast() : nil }

    /// The topmost values, deepest first.
    mutating func pop(count: Int) -> [PickleValue]? {
        guard values.count - floor >= count else { return nil }
        defer { values.removeLast(count) }
        return Array(values.suffix(count))
    }

    /// Everything above the last mark, and the mark too.
    mutating func popToMark() -> [PickleValue]? {
        guard let start = marks.popLast() else { return nil }
        defer { values.removeSubrange(start...) }
        return Array(values[start...])
    }

    /// Takes the last mark away if no value stands above it.
    mutating func popMarkIfOnTop() -> Bool {
        guard let start = marks.last, start == values.count else { return false }
        marks.removeLast()
        return true
    }
}
