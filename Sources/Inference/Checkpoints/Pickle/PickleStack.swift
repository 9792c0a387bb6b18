/// The operand stack of a pickle, with its marks: nothing below the last mark can be reached.
struct PickleStack {
    private var values: [PickleValue] = []
    private var marks: [Int] = []
    private let budget: ReadingBudget

    init(budget: ReadingBudget) { self.budget = budget }

    private var floor: Int { marks.last ?? 0 }

    var top: PickleValue? { values.count > floor ? values.last : nil }

    mutating func push(_ value: PickleValue) throws(CheckpointError) {
        try values.reserve(1, from: budget, for: "a pickle's stack")
        values.append(value)
    }

    mutating func mark() throws(CheckpointError) {
        try marks.reserve(1, from: budget, for: "a pickle's stack")
        marks.append(values.count)
    }

    mutating func pop() -> PickleValue? { values.count > floor ? values.removeLast() : nil }

    /// The topmost values, deepest first.
    mutating func pop(count: Int) -> [PickleValue]? {
        values.count - floor >= count ? removeLast(count) : nil
    }

    /// Everything above the last mark, and the mark too.
    mutating func popToMark() -> [PickleValue]? {
        marks.popLast().map { removeLast(values.count - $0) }
    }

    /// An array of exactly these values: one made from a slice may keep the memory of the whole stack.
    private mutating func removeLast(_ count: Int) -> [PickleValue] {
        var items: [PickleValue] = []
        items.reserveCapacity(count)
        items.append(contentsOf: values.suffix(count))
        values.removeLast(count)
        return items
    }

    /// Takes the last mark away if no value stands above it.
    mutating func popMarkIfOnTop() -> Bool {
        guard let start = marks.last, start == values.count else { return false }
        marks.removeLast()
        return true
    }
}
