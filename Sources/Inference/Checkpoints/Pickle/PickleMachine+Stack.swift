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
        try stack.push(try heap.makeTuple(items))
    }

    mutating func pushNumber(byteCount: Int) throws(CheckpointError) {
        _ = try cursor.region(byteCount: byteCount)
        try stack.push(.number)
    }

    /// Python 2's strings are bytes, too.
    mutating func pushBytes(byteCount: Int) throws(CheckpointError) {
        try stack.push(try heap.makeBytes(try cursor.region(byteCount: byteCount)))
    }

    /// Keeps the topmost value for later.
    mutating func remember(as index: Int) throws(CheckpointError) {
        let value = try top()
        if memo.updateValue(value, forKey: index) == nil {
            try budget.charge(Self.memoEntryByteCount, for: "a pickle's memo")
        }
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
    func checkPairs(_ items: [PickleValue]) throws(CheckpointError) {
        guard items.count.isMultiple(of: 2) else { throw invalid("a key without a value", "pairs") }
    }

    mutating func append(_ items: [PickleValue]) throws(CheckpointError) {
        switch try top() {
        case .list(let index): try heap.append(items, toList: index)
        case .object: return  // a subclass of list
        default: throw invalid(try top().kind, "a list")
        }
    }

    mutating func addItems(_ items: [PickleValue]) throws(CheckpointError) {
        switch try top() {
        case .set, .object: return
        default: throw invalid(try top().kind, "a set")
        }
    }

    /// - Parameter items: keys and values in turn.
    mutating func insert(_ items: [PickleValue]) throws(CheckpointError) {
        try checkPairs(items)
        switch try top() {
        case .dictionary(let index): try heap.insert(items, intoDictionary: index)
        case .object(let object):
            try heap.insert(items, intoDictionary: try heap.dictionary(ofObject: object))
        default: throw invalid(try top().kind, "a dictionary")
        }
    }

    func items(ofTuple value: PickleValue) throws(CheckpointError) -> [PickleValue] {
        guard case .tuple(let index) = value else { throw invalid(value.kind, "a tuple") }
        return heap.tuples[index]
    }

    /// The state of an `OrderedDict` is PyTorch's `_metadata`, which only its own modules read.
    mutating func build() throws(CheckpointError) {
        let state = try pop()
        switch try top() {
        case .dictionary, .set, .inert, .callable, .storage: return
        case .object(let index): heap.markAsInstance(object: index)
        case .tensor(let index): try fill(tensor: index, with: state)
        case .array(let index): try fill(array: index, with: state)
        case .arrayType(let index): try fill(arrayType: index, with: state)
        default: throw invalid("state for \(try top().kind)", "a dictionary")
        }
    }
}
