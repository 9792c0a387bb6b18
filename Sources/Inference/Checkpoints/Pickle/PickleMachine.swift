/// Runs a pickle as far as tensors need it: it makes numbers, strings, containers and descriptions of tensors, and
/// refuses every other global. No code of a checkpoint ever runs, for there is nothing here that could run it.
///
/// Time and memory are bounded by the pickle's length: each instruction pushes at most one value, containers are shared by
/// index instead of copied, and those few steps that do copy count what they copy.
struct PickleMachine {
    private var cursor: ByteCursor
    private var stack = PickleStack()
    private var memo: [Int: PickleValue] = [:]
    private var heap = PickleHeap()
    private var stepCount = 0
    /// Where the instruction being carried out begins.
    private var position = 0
    private var firstRefused: (name: String, offset: Int)?

    /// A network of a thousand tensors with its optimiser's state takes about 100,000 steps.
    static let maxStepCount = 1 << 20
    /// Limits the strings, and what a deflated pickle can grow to.
    static let maxByteCount = 16 << 20

    private init(_ pickle: ByteRegion) { cursor = ByteCursor(pickle, what: "the pickle") }

    /// The value that a pickle stands for, and the heap its containers live in.
    ///
    /// - Throws: ``CheckpointError/refusedGlobal(name:offset:)`` or ``CheckpointError/refusedObject(className:offset:)``
    ///   when it names anything but the parts of a state dictionary; others when it is malformed.
    static func run(_ pickle: ByteRegion) throws(CheckpointError) -> (root: PickleValue, heap: PickleHeap) {
        guard pickle.count <= maxByteCount else {
            throw .limitExceeded(what: "bytes of pickle", found: pickle.count, limit: maxByteCount)
        }
        var machine = PickleMachine(pickle)
        while true {
            machine.position = machine.cursor.offset
            try machine.charge(1)
            let byte = try machine.cursor.number(UInt8.self)
            guard let opcode = PickleOpcode(rawValue: byte) else {
                throw .unknownOpcode(opcode: byte, offset: machine.position)
            }
            if opcode == .stop { break }
            try machine.perform(opcode)
        }
        let root = try machine.pop()
        if let refused = machine.firstRefused {
            throw .refusedGlobal(name: refused.name, offset: refused.offset)
        }
        return (root, machine.heap)
    }

    private mutating func perform(_ opcode: PickleOpcode) throws(CheckpointError) {
        switch opcode {
        case .proto:
            let version = try cursor.number(UInt8.self)
            guard version <= 5 else { throw .unsupportedProtocol(found: Int(version)) }
        case .frame: try skipFrame()
        case .mark: stack.mark()
        case .pop: if !stack.popMarkIfOnTop() { _ = try pop() }
        case .popMark: _ = try popItems()
        case .dup:
            let value = try pop()
            stack.push(value)
            stack.push(value)
        case .stop: break

        case .none: stack.push(.none)
        case .newTrue: stack.push(.boolean(true))
        case .newFalse: stack.push(.boolean(false))
        case .binInt: stack.push(.integer(Int(try cursor.number(Int32.self))))
        case .binInt1: stack.push(.integer(Int(try cursor.number(UInt8.self))))
        case .binInt2: stack.push(.integer(Int(try cursor.number(UInt16.self))))
        case .long1: stack.push(try integer(byteCount: Int(try cursor.number(UInt8.self))))
        case .long4: stack.push(try integer(byteCount: Int(try cursor.number(Int32.self))))
        case .int, .long: stack.push(try decimal())
        case .binFloat: try pushInert(byteCount: 8)
        case .float:
            _ = try cursor.line()
            stack.push(.inert)

        case .shortBinUnicode: stack.push(try unicode(byteCount: Int(try cursor.number(UInt8.self))))
        case .binUnicode: stack.push(try unicode(byteCount: Int(try cursor.number(UInt32.self))))
        case .binUnicode8: stack.push(try unicode(byteCount: Int(clamping: try cursor.number(UInt64.self))))
        case .shortBinString: stack.push(try byteString(byteCount: Int(try cursor.number(UInt8.self))))
        case .binString: stack.push(try byteString(byteCount: Int(try cursor.number(Int32.self))))
        case .unicode: stack.push(try textLine(quoted: false))
        case .string: stack.push(try textLine(quoted: true))
        case .shortBinBytes: try pushInert(byteCount: Int(try cursor.number(UInt8.self)))
        case .binBytes: try pushInert(byteCount: Int(try cursor.number(UInt32.self)))
        case .binBytes8, .byteArray8: try pushInert(byteCount: Int(clamping: try cursor.number(UInt64.self)))

        case .emptyTuple: stack.push(heap.makeTuple([]))
        case .tuple1: try pushTuple(count: 1)
        case .tuple2: try pushTuple(count: 2)
        case .tuple3: try pushTuple(count: 3)
        case .tuple: stack.push(heap.makeTuple(try popItems()))
        case .emptyList: stack.push(heap.makeList([]))
        case .list: stack.push(heap.makeList(try popItems()))
        case .emptyDict: stack.push(heap.makeDictionary([]))
        case .dict: stack.push(heap.makeDictionary(try pairs(try popItems())))
        case .append: try append([try pop()])
        case .appends: try append(try popItems())
        case .setItem:
            let value = try pop()
            try insert([(try pop(), value)])
        case .setItems: try insert(try pairs(try popItems()))
        case .emptySet: stack.push(.inert)
        case .addItems:
            _ = try popItems()
            guard case .inert = try top() else { throw invalid(try top().kind, "a set") }
        case .frozenSet:
            _ = try popItems()
            stack.push(.inert)

        case .get: stack.push(try remembered(try lineNumber()))
        case .binGet: stack.push(try remembered(Int(try cursor.number(UInt8.self))))
        case .longBinGet: stack.push(try remembered(Int(try cursor.number(UInt32.self))))
        case .put: memo[try lineNumber()] = try top()
        case .binPut: memo[Int(try cursor.number(UInt8.self))] = try top()
        case .longBinPut: memo[Int(try cursor.number(UInt32.self))] = try top()
        case .memoize: memo[memo.count] = try top()

        case .global: stack.push(try global(module: try lineText(), name: try lineText()))
        case .stackGlobal:
            let (name, module) = (try pop(), try pop())
            guard case .string(let name) = name, case .string(let module) = module else {
                throw invalid("\(module.kind) and \(name.kind)", "two strings")
            }
            stack.push(try global(module: module, name: name))
        case .reduce:
            let arguments = try pop()
            stack.push(try call(try pop(), with: try items(ofTuple: arguments), isObject: false))
        case .newObj:
            let arguments = try pop()
            stack.push(try call(try pop(), with: try items(ofTuple: arguments), isObject: true))
        case .newObjEx:
            let (_, arguments) = (try pop(), try pop())
            stack.push(try call(try pop(), with: try items(ofTuple: arguments), isObject: true))
        case .inst:
            let callable = try global(module: try lineText(), name: try lineText())
            stack.push(try call(callable, with: try popItems(), isObject: true))
        case .obj:
            let items = try popItems()
            guard let callable = items.first else { throw invalid("nothing", "a class") }
            stack.push(try call(callable, with: Array(items.dropFirst()), isObject: true))
        case .build: try build()
        case .binPersID: stack.push(try storage(try items(ofTuple: try pop())))
        }
    }
}

// MARK: - The stack

extension PickleMachine {
    private mutating func charge(_ count: Int) throws(CheckpointError) {
        stepCount += count
        guard stepCount <= Self.maxStepCount else {
            throw .limitExceeded(what: "pickle steps", found: stepCount, limit: Self.maxStepCount)
        }
    }

    private func invalid(_ found: String, _ expected: String) -> CheckpointError {
        .invalidPickle(offset: position, found: found, expected: expected)
    }

    private mutating func pop() throws(CheckpointError) -> PickleValue {
        guard let value = stack.pop() else { throw invalid("an empty stack", "a value") }
        return value
    }

    private func top() throws(CheckpointError) -> PickleValue {
        guard let value = stack.top else { throw invalid("an empty stack", "a value") }
        return value
    }

    private mutating func popItems() throws(CheckpointError) -> [PickleValue] {
        guard let items = stack.popToMark() else { throw invalid("no mark", "a mark") }
        return items
    }

    private mutating func pushTuple(count: Int) throws(CheckpointError) {
        guard let items = stack.pop(count: count) else { throw invalid("too short a stack", "\(count) values") }
        stack.push(heap.makeTuple(items))
    }

    private mutating func pushInert(byteCount: Int) throws(CheckpointError) {
        _ = try cursor.region(byteCount: byteCount)
        stack.push(.inert)
    }

    private func remembered(_ index: Int) throws(CheckpointError) -> PickleValue {
        guard let value = memo[index] else { throw invalid("the unset memo \(index)", "one that was set") }
        return value
    }

    private mutating func skipFrame() throws(CheckpointError) {
        let byteCount = Int(clamping: try cursor.number(UInt64.self))
        guard byteCount <= cursor.remainingByteCount else {
            throw .truncated(
                what: "the pickle", offset: cursor.offset, needed: byteCount, available: cursor.remainingByteCount)
        }
    }
}

// MARK: - Numbers and text

extension PickleMachine {
    /// A two's complement number of any length; what does not fit 64 bits is no extent of a tensor.
    private mutating func integer(byteCount: Int) throws(CheckpointError) -> PickleValue {
        let bytes = try cursor.region(byteCount: byteCount)
        guard byteCount <= 8 else { return .inert }
        return bytes.withUnsafeBytes { bytes in
            var value = bytes.last.map { $0 & 0x80 != 0 ? -1 : 0 } ?? 0
            for byte in bytes.reversed() { value = value << 8 | Int(byte) }
            return .integer(value)
        }
    }

    /// The decimal number of protocol 0; `01` and `00` are booleans there, and `L` ends a long.
    private mutating func decimal() throws(CheckpointError) -> PickleValue {
        let text = try lineText()
        if text == "01" || text == "00" { return .boolean(text == "01") }
        let digits = text.last == "L" ? text.dropLast() : text[...]
        guard !digits.isEmpty, digits.drop(while: { $0 == "-" }).allSatisfy({ $0.isASCII && $0.isNumber }) else {
            throw invalid("\"\(text.prefix(40))\"", "a number")
        }
        return Int(digits).map(PickleValue.integer) ?? .inert
    }

    private mutating func lineText() throws(CheckpointError) -> String {
        guard let text = try cursor.line().text else { throw invalid("a line that is not UTF-8", "text") }
        return text
    }

    private mutating func lineNumber() throws(CheckpointError) -> Int {
        let text = try lineText()
        guard let number = Int(text), number >= 0 else { throw invalid("\"\(text.prefix(40))\"", "a memo number") }
        return number
    }

    private mutating func unicode(byteCount: Int) throws(CheckpointError) -> PickleValue {
        guard let text = try cursor.region(byteCount: byteCount).text else {
            throw invalid("a string that is not UTF-8", "text")
        }
        return .string(text)
    }

    /// Python 2's strings are bytes, most often of ASCII.
    private mutating func byteString(byteCount: Int) throws(CheckpointError) -> PickleValue {
        try cursor.region(byteCount: byteCount).text.map(PickleValue.string) ?? .inert
    }

    /// Text of protocol 0; names of tensors need none of its escapes.
    private mutating func textLine(quoted: Bool) throws(CheckpointError) -> PickleValue {
        let text = try lineText()
        if text.contains("\\") { return .inert }
        guard quoted else { return .string(text) }
        guard text.count >= 2, let mark = text.first, mark == "'" || mark == "\"", text.last == mark else {
            throw invalid("an unquoted string", "a quoted one")
        }
        return .string(String(text.dropFirst().dropLast()))
    }
}

// MARK: - Containers

extension PickleMachine {
    private func pairs(_ items: [PickleValue]) throws(CheckpointError) -> [PickleHeap.Entry] {
        guard items.count.isMultiple(of: 2) else { throw invalid("a key without a value", "pairs") }
        return stride(from: 0, to: items.count, by: 2).map { (items[$0], items[$0 + 1]) }
    }

    private mutating func append(_ items: [PickleValue]) throws(CheckpointError) {
        guard case .list(let index) = try top() else { throw invalid(try top().kind, "a list") }
        heap.lists[index].append(contentsOf: items)
    }

    private mutating func insert(_ entries: [PickleHeap.Entry]) throws(CheckpointError) {
        guard case .dictionary(let index) = try top() else { throw invalid(try top().kind, "a dictionary") }
        heap.dictionaries[index].append(contentsOf: entries)
    }

    private func items(ofTuple value: PickleValue) throws(CheckpointError) -> [PickleValue] {
        guard case .tuple(let index) = value else { throw invalid(value.kind, "a tuple") }
        return heap.tuples[index]
    }

    /// The state of an `OrderedDict` is PyTorch's `_metadata`, which only its own modules read.
    private mutating func build() throws(CheckpointError) {
        _ = try pop()
        switch try top() {
        case .dictionary, .inert: return
        default: throw invalid("state for \(try top().kind)", "a dictionary")
        }
    }
}

// MARK: - Globals

extension PickleMachine {
    private mutating func global(module: String, name: String) throws(CheckpointError) -> PickleValue {
        let callable = PickleCallable(module: module, name: name)
        if case .refused(let name) = callable, firstRefused == nil { firstRefused = (name, position) }
        return .callable(callable)
    }

    /// - Parameter isObject: whether the pickle wants an instance, and not the result of a call.
    private mutating func call(
        _ value: PickleValue, with arguments: [PickleValue], isObject: Bool
    ) throws(CheckpointError) -> PickleValue {
        guard case .callable(let callable) = value else { throw invalid(value.kind, "a global to call") }
        switch callable {
        case .refused(let name):
            throw isObject
                ? .refusedObject(className: name, offset: position) : .refusedGlobal(name: name, offset: position)
        case .inert:
            return .inert
        case .orderedDictionary:
            return heap.makeDictionary(try entries(arguments))
        case .size:
            guard let sizes = arguments.first, arguments.count == 1 else {
                throw invalid("\(arguments.count) arguments", "one tuple")
            }
            _ = try items(ofTuple: sizes)
            return sizes
        case .rebuildParameter:
            guard let data = arguments.first, (3...4).contains(arguments.count), case .tensor = data else {
                throw invalid("\(arguments.count) arguments", "a parameter's tensor and its settings")
            }
            return data
        case .rebuildTensor:
            return try tensor(arguments)
        case .storageClass(let scalarName):
            throw invalid("a call of the storage class of \(scalarName)", "a persistent storage")
        }
    }

    /// The entries of `OrderedDict()` or of Python 2's `OrderedDict([[key, value], …])`.
    private mutating func entries(_ arguments: [PickleValue]) throws(CheckpointError) -> [PickleHeap.Entry] {
        guard let argument = arguments.first else { return [] }
        guard arguments.count == 1, case .list(let index) = argument else {
            throw invalid(argument.kind, "a list of pairs")
        }
        try charge(heap.lists[index].count)
        var entries: [PickleHeap.Entry] = []
        for item in heap.lists[index] {
            let pair: [PickleValue]
            switch item {
            case .tuple(let index): pair = heap.tuples[index]
            case .list(let index): pair = heap.lists[index]
            default: throw invalid(item.kind, "a pair")
            }
            guard pair.count == 2 else { throw invalid("\(pair.count) values", "a key and a value") }
            entries.append((pair[0], pair[1]))
        }
        return entries
    }

    /// `('storage', torch.FloatStorage, key, location, element count)`; where the tensor lay does not matter here.
    private mutating func storage(_ id: [PickleValue]) throws(CheckpointError) -> PickleValue {
        guard
            id.count == 5, case .string("storage") = id[0], case .callable(let callable) = id[1],
            case .string(let key) = id[2], case .integer(let elementCount) = id[4], elementCount >= 0
        else { throw invalid("a persistent ID of \(id.count) values", "that of a storage") }
        switch callable {
        case .storageClass(let scalarName):
            heap.storages.append(PickledStorage(scalarName: scalarName, key: key, elementCount: elementCount))
            return .storage(heap.storages.count - 1)
        case .refused(let name): throw .refusedGlobal(name: name, offset: position)
        default: throw invalid("a persistent ID without a storage class", "that of a storage")
        }
    }

    /// `_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, backward_hooks[, metadata])`
    private mutating func tensor(_ arguments: [PickleValue]) throws(CheckpointError) -> PickleValue {
        guard
            (6...7).contains(arguments.count), case .storage(let storage) = arguments[0],
            case .integer(let offset) = arguments[1]
        else { throw invalid("\(arguments.count) arguments", "a storage, an offset, sizes and strides") }
        heap.tensors.append(
            PickledTensor(
                storage: heap.storages[storage], offset: offset, extents: try numbers(arguments[2]),
                strides: try numbers(arguments[3])))
        return .tensor(heap.tensors.count - 1)
    }

    private mutating func numbers(_ value: PickleValue) throws(CheckpointError) -> [Int] {
        let items = try items(ofTuple: value)
        guard items.count <= StoredTensor.maxRank else {
            throw .limitExceeded(what: "axes in one tensor", found: items.count, limit: StoredTensor.maxRank)
        }
        var numbers: [Int] = []
        for item in items {
            guard case .integer(let number) = item else { throw invalid(item.kind, "an integer") }
            numbers.append(number)
        }
        return numbers
    }
}
