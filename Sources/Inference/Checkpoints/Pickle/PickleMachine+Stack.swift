extension PickleMachine {
    mutating func charge(_ count: Int) throws(CheckpointError) {
        stepCount += count
        guard stepCount <= Self.maxStepCount else {
            throw .limitExceeded(what: "pickle steps", found: stepCount, limit: Self.maxStepCount)
        }
    }

    func invalid(_ found: String, _ expected: String) -> CheckpointError {
        .invalidPickle(offset: position, found: found, expected: expected)
    }

    mutating func pop() throws(CheckpointError) -> PickleValue {
        guard let value = stack.pop() else { throw invalid("an empty stack", "a value") }
        return value
    }

    func top() throws(CheckpointError) -> PickleValue {
        guard let value = stack.top else { throw invalid("an empty stack", "a value") }
        return value
    }

    mutating func popItems() throws(CheckpointError) -> [PickleValue] {
        guard let items = stack.popToMark() else { throw invalid("no mark", "a mark") }
        return items
    }

    mutating func pushTuple(count: Int) throws(CheckpointError) {
        guard let items = stack.pop(count: count) else { throw invalid("too short a stack", "\(count) values") }
        stack.push(heap.makeTuple(items))
    }

    mutating func pushInert(byteCount: Int) throws(CheckpointError) {
        _ = try cursor.region(byteCount: byteCount)
        stack.push(.inert)
    }

    /// Python 2's strings are bytes, too.
    mutating func pushBytes(byteCount: Int) throws(CheckpointError) {
        stack.push(heap.makeBytes(try cursor.region(byteCount: byteCount)))
    }

    func remembered(_ index: Int) throws(CheckpointError) -> PickleValue {
        guard let value = memo[index] else { throw invalid("the unset memo \(index)", "one that was set") }
        return value
    }

    /// A length that Python writes as a signed number.
    mutating func signedByteCount() throws(CheckpointError) -> Int {
        let byteCount = Int(try cursor.number(Int32.self))
        guard byteCount >= 0 else { throw invalid("a length of \(byteCount)", "none below 0") }
        return byteCount
    }

    mutating func skipFrame() throws(CheckpointError) {
        let byteCount = Int(clamping: try cursor.number(UInt64.self))
        guard byteCount <= cursor.remainingByteCount else {
            throw .truncated(
                what: "the pickle", offset: cursor.offset, needed: byteCount, available: cursor.remainingByteCount)
        }
    }
}

// MARK: - Containers

extension PickleMachine {
    func pairs(_ items: [PickleValue]) throws(CheckpointError) -> [PickleHeap.Entry] {
        guard items.count.isMultiple(of: 2) else { throw invalid("a key without a value", "pairs") }
        return stride(from: 0, to: items.count, by: 2).map { (items[$0], items[$0 + 1]) }
    }

    mutating func append(_ items: [PickleValue]) throws(CheckpointError) {
        guard case .list(let index) = try top() else { throw invalid(try top().kind, "a list") }
        heap.lists[index].append(contentsOf: items)
    }

    mutating func insert(_ entries: [PickleHeap.Entry]) throws(CheckpointError) {
        guard case .dictionary(let index) = try top() else { throw invalid(try top().kind, "a dictionary") }
        heap.dictionaries[index].append(contentsOf: entries)
    }

    func items(ofTuple value: PickleValue) throws(CheckpointError) -> [PickleValue] {
        guard case .tuple(let index) = value else { throw invalid(value.kind, "a tuple") }
        return heap.tuples[index]
    }

    /// The state of an `OrderedDict` is PyTorch's `_metadata`, which only its own modules read.
    mutating func build() throws(CheckpointError) {
        let state = try pop()
        switch try top() {
        case .dictionary, .inert: return
        case .tensor(let index): try fill(tensor: index, with: state)
        case .array(let index): try fill(array: index, with: state)
        case .arrayType(let index): try fill(arrayType: index, with: state)
        default: throw invalid("state for \(try top().kind)", "a dictionary")
        }
    }
}
