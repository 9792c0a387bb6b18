import Files

/// The containers, storages, tensors and other objects that a pickle has created; values refer to them by index.
struct PickleHeap {
    typealias Entry = (key: PickleValue, value: PickleValue)

    private(set) var tuples: [[PickleValue]] = []
    private(set) var lists: [[PickleValue]] = []
    /// Entries in order of insertion; a key may occur twice.
    private(set) var dictionaries: [[Entry]] = []
    private(set) var storages: [PickledStorage] = []
    /// The tensors; nil for one that was created empty and not filled.
    private(set) var tensors: [PickledTensor?] = []
    private(set) var bytes: [PickledBytes] = []
    private(set) var longTexts: [ByteRegion] = []
    var arrayTypes: [PickledArrayType] = []
    /// The arrays; nil for one that was created empty and not filled.
    private(set) var arrays: [PickledArray?] = []
    private(set) var objects: [PickleObject] = []

    /// Charged for everything on the heap.
    let budget: ReadingBudget

    init(budget: ReadingBudget) { self.budget = budget }

    /// The text of a short string, such as a name, stored as a string (Python 3) or as bytes (Python 2); nil for other
    /// values.
    func text(_ value: PickleValue) -> String? {
        switch value {
        case .string(let text): text
        case .bytes(let index): bytes[index].text
        default: nil
        }
    }

    /// The index of a dictionary: the value itself, or the entries of an object. Nil for other values.
    func dictionary(_ value: PickleValue) -> Int? {
        switch value {
        case .dictionary(let index): index
        case .object(let index): objects[index].dictionary
        default: nil
        }
    }

    /// A description of a value, for errors.
    func kind(_ value: PickleValue) -> String {
        switch value {
        case .object(let index): objects[index].kind
        case .callable(.inert(let name)): "the global \(PickleObject.shortened(name))"
        default: value.kind
        }
    }

    mutating func makeTuple(_ items: [PickleValue]) throws(CheckpointError) -> PickleValue {
        try charge(items.count, for: "a pickle's tuples")
        try tuples.reserve(1, from: budget, for: "a pickle's tuples")
        tuples.append(items)
        return .tuple(tuples.count - 1)
    }

    mutating func makeList(_ items: [PickleValue]) throws(CheckpointError) -> PickleValue {
        try charge(items.count, for: "a pickle's lists")
        try lists.reserve(1, from: budget, for: "a pickle's lists")
        lists.append(items)
        return .list(lists.count - 1)
    }

    mutating func append(_ items: [PickleValue], toList index: Int) throws(CheckpointError) {
        try lists[index].reserve(items.count, from: budget, for: "a pickle's lists")
        lists[index].append(contentsOf: items)
    }

    /// Makes a dictionary.
    ///
    /// - Parameter entries: the caller has already counted their steps.
    mutating func makeDictionary(_ entries: [Entry] = []) throws(CheckpointError) -> PickleValue {
        try charge(2 * entries.count, for: "a pickle's dictionaries")
        try dictionaries.reserve(1, from: budget, for: "a pickle's dictionaries")
        dictionaries.append(entries)
        return .dictionary(dictionaries.count - 1)
    }

    /// Inserts alternating keys and values; their number is even.
    mutating func insert(_ items: [PickleValue], intoDictionary index: Int) throws(CheckpointError) {
        try dictionaries[index].reserve(items.count / 2, from: budget, for: "a pickle's dictionaries")
        for position in stride(from: 0, to: items.count, by: 2) {
            dictionaries[index].append((items[position], items[position + 1]))
        }
    }

    /// The dictionary with an object's entries, created on first use.
    mutating func dictionary(ofObject index: Int) throws(CheckpointError) -> Int {
        if let known = objects[index].dictionary { return known }
        _ = try makeDictionary()
        objects[index].dictionary = dictionaries.count - 1
        return dictionaries.count - 1
    }

    mutating func makeBytes(_ region: ByteRegion) throws(CheckpointError) -> PickleValue {
        try budget.charge(textOf: min(region.count, PickledBytes.maxTextByteCount), for: "a pickle's text")
        try bytes.reserve(1, from: budget, for: "a pickle's text")
        bytes.append(PickledBytes(region))
        return .bytes(bytes.count - 1)
    }

    mutating func makeLongText(_ region: ByteRegion) throws(CheckpointError) -> PickleValue {
        try longTexts.reserve(1, from: budget, for: "a pickle's text")
        longTexts.append(region)
        return .longText(longTexts.count - 1)
    }

    mutating func make(_ storage: PickledStorage) throws(CheckpointError) -> PickleValue {
        try storages.reserve(1, from: budget, for: "a pickle's storages")
        storages.append(storage)
        return .storage(storages.count - 1)
    }

    mutating func make(_ tensor: PickledTensor?) throws(CheckpointError) -> PickleValue {
        try charge(tensor)
        try tensors.reserve(1, from: budget, for: "a pickle's tensors")
        tensors.append(tensor)
        return .tensor(tensors.count - 1)
    }

    mutating func fill(tensor index: Int, with tensor: PickledTensor) throws(CheckpointError) {
        try charge(tensor)
        tensors[index] = tensor
    }

    mutating func make(_ type: PickledArrayType) throws(CheckpointError) -> PickleValue {
        try budget.charge(textOf: type.name.utf8.count, for: "a pickle's arrays")
        try arrayTypes.reserve(1, from: budget, for: "a pickle's arrays")
        arrayTypes.append(type)
        return .arrayType(arrayTypes.count - 1)
    }

    mutating func make(_ array: PickledArray?) throws(CheckpointError) -> PickleValue {
        try arrays.reserve(1, from: budget, for: "a pickle's arrays")
        arrays.append(nil)
        if let array { try fill(array: arrays.count - 1, with: array) }
        return .array(arrays.count - 1)
    }

    mutating func fill(array index: Int, with array: PickledArray) throws(CheckpointError) {
        try budget.charge(
            array.extents.count * MemoryLayout<Int>.stride + ReadingBudget.allocationByteCount, for: "a pickle's arrays"
        )
        arrays[index] = array
    }

    mutating func make(_ object: PickleObject) throws(CheckpointError) -> PickleValue {
        try objects.reserve(1, from: budget, for: "a pickle's objects")
        objects.append(object)
        return .object(objects.count - 1)
    }

    /// Marks an object as an instance of a class, since it has state.
    mutating func markAsInstance(object index: Int) { objects[index].isInstance = true }

    private func charge(_ valueCount: Int, for what: @autoclosure () -> String) throws(CheckpointError) {
        guard valueCount > 0 else { return }
        try budget.charge(
            valueCount * MemoryLayout<PickleValue>.stride + ReadingBudget.allocationByteCount, for: what())
    }

    private func charge(_ tensor: PickledTensor?) throws(CheckpointError) {
        guard let tensor else { return }
        let numberCount = tensor.extents.count + tensor.strides.count
        try budget.charge(
            numberCount * MemoryLayout<Int>.stride + 2 * ReadingBudget.allocationByteCount, for: "a pickle's tensors")
    }
}

/// The operand stack of a pickle with its marks. Values below the last mark cannot be popped.
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

    /// Pops the topmost values, deepest first; nil if there are fewer.
    mutating func pop(count: Int) -> [PickleValue]? {
        values.count - floor >= count ? removeLast(count) : nil
    }

    /// Pops everything above the last mark and the mark itself; nil if there is no mark.
    mutating func popToMark() -> [PickleValue]? {
        marks.popLast().map { removeLast(values.count - $0) }
    }

    /// Copies exactly these values: an array made from a slice could keep the capacity of the whole stack.
    private mutating func removeLast(_ count: Int) -> [PickleValue] {
        var items: [PickleValue] = []
        items.reserveCapacity(count)
        items.append(contentsOf: values.suffix(count))
        values.removeLast(count)
        return items
    }

    /// Removes the last mark if no value is above it.
    mutating func popMarkIfOnTop() -> Bool {
        guard let start = marks.last, start == values.count else { return false }
        marks.removeLast()
        return true
    }
}
