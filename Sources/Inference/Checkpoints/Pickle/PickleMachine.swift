import Files

/// A safe interpreter of pickles: it builds numbers, strings, containers and descriptions of tensors, and runs no code.
///
/// Globals outside the allowlist of ``PickleCallable`` are inert names, and calling one gives a ``PickleObject``:
/// training scripts save their arguments, counters and paths beside the weights.
///
/// The number of steps limits the time. Each opcode pushes at most one value, and containers are shared by index
/// instead of copied. The few opcodes that copy values count each copy as a step. A ``ReadingBudget`` limits the
/// memory.
struct PickleMachine {
    var cursor: ByteCursor
    var stack: PickleStack
    var memo: [Int: PickleValue] = [:]
    var heap: PickleHeap
    let budget: ReadingBudget
    var stepCount = 0
    /// Offset of the current opcode.
    var position = 0
    /// The number of bytes decoded from text so far; see ``encoded(_:)``.
    var decodedByteCount = 0

    /// The most steps. A network of a thousand tensors with optimiser state takes about 100,000; scripts that save
    /// every step's loss take more.
    static let maxStepCount = 1 << 22
    /// The memory of a memo entry directly after its hash table has grown. Units: bytes.
    static let memoEntryByteCount = 128
    /// The longest text that can be a name. Longer text is not copied out of the pickle. Units: bytes.
    static let maxTextByteCount = 1 << 16
    /// The longest line (number or name) in protocol 0. Units: bytes.
    static let maxLineByteCount = 1 << 16

    private init(_ pickle: ByteRegion, _ budget: ReadingBudget) {
        cursor = ByteCursor(pickle, what: "the pickle")
        stack = PickleStack(budget: budget)
        heap = PickleHeap(budget: budget)
        self.budget = budget
    }

    /// Runs a whole pickle.
    ///
    /// - Parameter budget: charged for all memory; nil gives the default budget for the pickle's length.
    /// - Returns: the pickled value and the heap with its containers.
    /// - Throws: ``CheckpointError`` when the pickle is malformed or exceeds a limit.
    static func run(
        _ pickle: ByteRegion, budget: ReadingBudget? = nil
    ) throws(CheckpointError) -> (root: PickleValue, heap: PickleHeap) {
        let (root, heap, _) = try runStart(
            of: pickle, budget: budget ?? ReadingBudget(fileByteCount: pickle.count))
        return (root, heap)
    }

    /// Runs the pickle at the start of `bytes`, which may continue after it.
    ///
    /// - Returns: also the offset of the pickle's end. Units: bytes.
    static func runStart(
        of bytes: ByteRegion, budget: ReadingBudget
    ) throws(CheckpointError) -> (root: PickleValue, heap: PickleHeap, end: Int) {
        var machine = PickleMachine(bytes, budget)
        return (try machine.run(), machine.heap, machine.cursor.offset)
    }

    private mutating func run() throws(CheckpointError) -> PickleValue {
        while true {
            position = cursor.offset
            try charge(1)
            let byte = try cursor.number(UInt8.self)
            guard let opcode = PickleOpcode(rawValue: byte) else {
                throw .unknownOpcode(opcode: byte, offset: position)
            }
            if opcode == .stop { return try pop() }
            try perform(opcode)
        }
    }

    private mutating func perform(_ opcode: PickleOpcode) throws(CheckpointError) {
        switch opcode {
        case .proto:
            let version = try cursor.number(UInt8.self)
            guard version <= 5 else { throw .unsupportedProtocol(found: Int(version)) }
        case .frame: try skipFrame()
        case .mark: try stack.mark()
        case .pop: if !stack.popMarkIfOnTop() { _ = try pop() }
        case .popMark: _ = try popItems()
        case .dup:
            let value = try pop()
            try stack.push(value)
            try stack.push(value)
        case .stop: break

        case .none: try stack.push(.none)
        case .newTrue: try stack.push(.boolean(true))
        case .newFalse: try stack.push(.boolean(false))
        case .binInt: try stack.push(.integer(Int(try cursor.number(Int32.self))))
        case .binInt1: try stack.push(.integer(Int(try cursor.number(UInt8.self))))
        case .binInt2: try stack.push(.integer(Int(try cursor.number(UInt16.self))))
        case .long1: try stack.push(try integer(byteCount: Int(try cursor.number(UInt8.self))))
        case .long4: try stack.push(try integer(byteCount: try signedByteCount()))
        case .int, .long: try stack.push(try decimal())
        case .binFloat: try pushNumber(byteCount: 8)
        case .float:
            _ = try cursor.line(maxByteCount: Self.maxLineByteCount)
            try stack.push(.number)

        case .shortBinUnicode: try stack.push(try unicode(byteCount: Int(try cursor.number(UInt8.self))))
        case .binUnicode: try stack.push(try unicode(byteCount: Int(try cursor.number(UInt32.self))))
        case .binUnicode8: try stack.push(try unicode(byteCount: Int(clamping: try cursor.number(UInt64.self))))
        case .shortBinString: try pushBytes(byteCount: Int(try cursor.number(UInt8.self)))
        case .binString: try pushBytes(byteCount: try signedByteCount())
        case .unicode: try stack.push(try textLine(quoted: false))
        case .string: try stack.push(try textLine(quoted: true))
        case .shortBinBytes: try pushBytes(byteCount: Int(try cursor.number(UInt8.self)))
        case .binBytes: try pushBytes(byteCount: Int(try cursor.number(UInt32.self)))
        case .binBytes8, .byteArray8: try pushBytes(byteCount: Int(clamping: try cursor.number(UInt64.self)))

        case .emptyTuple: try stack.push(try heap.makeTuple([]))
        case .tuple1: try pushTuple(count: 1)
        case .tuple2: try pushTuple(count: 2)
        case .tuple3: try pushTuple(count: 3)
        case .tuple: try stack.push(try heap.makeTuple(try popItems()))
        case .emptyList: try stack.push(try heap.makeList([]))
        case .list: try stack.push(try heap.makeList(try popItems()))
        case .emptyDict: try stack.push(try heap.makeDictionary())
        case .dict:
            let items = try popItems()
            try checkPairs(items)
            try stack.push(try heap.makeDictionary())
            try insert(items)
        case .append: try append([try pop()])
        case .appends: try append(try popItems())
        case .setItem:
            let value = try pop()
            try insert([try pop(), value])
        case .setItems: try insert(try popItems())
        case .emptySet: try stack.push(.set)
        case .addItems: try addItems(try popItems())
        case .frozenSet:
            _ = try popItems()
            try stack.push(.set)

        case .get: try stack.push(try remembered(try lineNumber()))
        case .binGet: try stack.push(try remembered(Int(try cursor.number(UInt8.self))))
        case .longBinGet: try stack.push(try remembered(Int(try cursor.number(UInt32.self))))
        case .put: try remember(as: try lineNumber())
        case .binPut: try remember(as: Int(try cursor.number(UInt8.self)))
        case .longBinPut: try remember(as: Int(try cursor.number(UInt32.self)))
        case .memoize: try remember(as: memo.count)

        case .global: try stack.push(try global(module: try lineText(), name: try lineText()))
        case .stackGlobal:
            let (name, module) = (try pop(), try pop())
            guard case .string(let name) = name, case .string(let module) = module else {
                throw invalid("\(module.kind) and \(name.kind)", "two strings")
            }
            try stack.push(try global(module: module, name: name))
        case .reduce:
            let arguments = try pop()
            try stack.push(try call(try pop(), with: try items(ofTuple: arguments), isInstance: false))
        case .newObj:
            let arguments = try pop()
            try stack.push(try call(try pop(), with: try items(ofTuple: arguments), isInstance: true))
        case .newObjEx:
            let (_, arguments) = (try pop(), try pop())
            try stack.push(try call(try pop(), with: try items(ofTuple: arguments), isInstance: true))
        case .inst:
            let callable = try global(module: try lineText(), name: try lineText())
            try stack.push(try call(callable, with: try popItems(), isInstance: false))
        case .obj:
            let items = try popItems()
            guard let callable = items.first else { throw invalid("nothing", "a class") }
            try stack.push(try call(callable, with: Array(items.dropFirst()), isInstance: false))
        case .build: try build()
        case .ext1: try pushExtension(Int(try cursor.number(UInt8.self)))
        case .ext2: try pushExtension(Int(try cursor.number(UInt16.self)))
        case .ext4: try pushExtension(Int(try cursor.number(Int32.self)))
        case .persID:
            _ = try lineText()
            try stack.push(try object(named: "persistent_load", isInstance: false))
        case .binPersID: try stack.push(try storage(try items(ofTuple: try pop())))
        }
    }
}

// MARK: - Stack and memo

extension PickleMachine {
    /// Counts steps.
    mutating func charge(_ count: Int) throws(CheckpointError) {
        stepCount += count
        guard stepCount <= Self.maxStepCount else {
            throw .limitExceeded(what: "pickle steps", found: stepCount, limit: Self.maxStepCount)
        }
    }

    /// The error for a malformed pickle at the current opcode.
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

    /// Pushes bytes (Python 3) or a string (Python 2).
    mutating func pushBytes(byteCount: Int) throws(CheckpointError) {
        try stack.push(try heap.makeBytes(try cursor.region(byteCount: byteCount)))
    }

    /// Stores the top of the stack in the memo.
    mutating func remember(as index: Int) throws(CheckpointError) {
        let value = try top()
        if memo.updateValue(value, forKey: index) == nil {
            try budget.charge(Self.memoEntryByteCount, for: "a pickle's memo")
        }
    }

    /// A value of the memo.
    func remembered(_ index: Int) throws(CheckpointError) -> PickleValue {
        guard let value = memo[index] else { throw invalid("the unset memo entry \(index)", "an entry that was set") }
        return value
    }

    /// A length stored as a signed 32-bit number.
    mutating func signedByteCount() throws(CheckpointError) -> Int {
        let byteCount = Int(try cursor.number(Int32.self))
        guard byteCount >= 0 else { throw invalid("a length of \(byteCount)", "a length of at least 0") }
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
        guard items.count.isMultiple(of: 2) else { throw invalid("a key without a value", "pairs of keys and values") }
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

    /// Inserts entries into the dictionary on top of the stack.
    ///
    /// - Parameter items: alternating keys and values.
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

    /// BUILD: sets the state of the object below the top. The state of an `OrderedDict` is PyTorch's `_metadata`, which
    /// is not needed.
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

// MARK: - Numbers and text

extension PickleMachine {
    /// A two's complement integer of any length; the value is dropped if it exceeds 64 bits.
    mutating func integer(byteCount: Int) throws(CheckpointError) -> PickleValue {
        let bytes = try cursor.region(byteCount: byteCount)
        guard byteCount <= 8 else { return .number }
        return bytes.withUnsafeBytes { bytes in
            var value = bytes.last.map { $0 & 0x80 != 0 ? -1 : 0 } ?? 0
            for byte in bytes.reversed() { value = value << 8 | Int(byte) }
            return .integer(value)
        }
    }

    /// A decimal number of protocol 0. `00` and `01` are booleans; a suffix `L` marks a Python 2 long.
    mutating func decimal() throws(CheckpointError) -> PickleValue {
        let text = try lineText()
        if text == "01" || text == "00" { return .boolean(text == "01") }
        let digits = text.last == "L" ? text.dropLast() : text[...]
        guard !digits.isEmpty, digits.drop(while: { $0 == "-" }).allSatisfy({ $0.isASCII && $0.isNumber }) else {
            throw invalid("\"\(text.prefix(40))\"", "a number")
        }
        return Int(digits).map(PickleValue.integer) ?? .number
    }

    mutating func lineText() throws(CheckpointError) -> String {
        guard let text = try cursor.line(maxByteCount: Self.maxLineByteCount).text else {
            throw invalid("a line that is not UTF-8", "text")
        }
        return text
    }

    mutating func lineNumber() throws(CheckpointError) -> Int {
        let text = try lineText()
        guard let number = Int(text), number >= 0 else { throw invalid("\"\(text.prefix(40))\"", "a memo index") }
        return number
    }

    mutating func unicode(byteCount: Int) throws(CheckpointError) -> PickleValue {
        let region = try cursor.region(byteCount: byteCount)
        guard region.count <= Self.maxTextByteCount else { return try heap.makeLongText(region) }
        try budget.charge(textOf: region.count, for: "a pickle's text")
        // Python also writes lone surrogates (an undecodable file name, say) as UTF-8, which is not valid text.
        guard let text = region.text else { return try heap.makeBytes(region) }
        return .string(text)
    }

    /// A line of text in protocol 0. Text with escapes is dropped: names of tensors have none.
    mutating func textLine(quoted: Bool) throws(CheckpointError) -> PickleValue {
        let text = try lineText()
        if text.contains("\\") { return .inert }
        try budget.charge(textOf: text.utf8.count, for: "a pickle's text")
        guard quoted else { return .string(text) }
        guard text.count >= 2, let mark = text.first, mark == "'" || mark == "\"", text.last == mark else {
            throw invalid("an unquoted string", "a quoted string")
        }
        return .string(String(text.dropFirst().dropLast()))
    }
}
