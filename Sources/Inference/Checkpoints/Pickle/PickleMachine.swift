import Files

/// Runs a pickle as far as tensors need it: it makes numbers, strings, containers and descriptions of tensors. Every other
/// global is a name, and what calling it should make is a ``PickleObject``: training scripts keep their arguments, counters and
/// paths beside the weights. No code of a checkpoint ever runs, for there is nothing here that could run it.
///
/// Time is bounded by the number of steps: each instruction pushes at most one value, containers are shared by index instead
/// of copied, and those few steps that do copy count what they copy. Memory is bounded by a ``ReadingBudget``.
struct PickleMachine {
    var cursor: ByteCursor
    var stack: PickleStack
    var memo: [Int: PickleValue] = [:]
    var heap: PickleHeap
    let budget: ReadingBudget
    var stepCount = 0
    /// Where the instruction being carried out begins.
    var position = 0
    /// How much text was made into bytes.
    var decodedByteCount = 0

    /// A network of a thousand tensors with its optimiser's state takes about 100,000 steps; lists of every step's loss
    /// take more.
    static let maxStepCount = 1 << 22
    /// What a value of the memo takes when its table has just grown. Units: bytes.
    static let memoEntryByteCount = 128
    /// Longer text is left where it lies, and is no name. Units: bytes.
    static let maxTextByteCount = 1 << 16
    /// Numbers and names of protocol 0. Units: bytes.
    static let maxLineByteCount = 1 << 16

    private init(_ pickle: ByteRegion, _ budget: ReadingBudget) {
        cursor = ByteCursor(pickle, what: "the pickle")
        stack = PickleStack(budget: budget)
        heap = PickleHeap(budget: budget)
        self.budget = budget
    }

    /// The value that a pickle stands for, and the heap its containers live in.
    ///
    /// - Parameter budget: pays for both; nil bounds the pickle by its own length.
    /// - Throws: ``CheckpointError`` when it is malformed, or wants more memory than there is.
    static func run(
        _ pickle: ByteRegion, budget: ReadingBudget? = nil
    ) throws(CheckpointError) -> (root: PickleValue, heap: PickleHeap) {
        let (root, heap, _) = try runStart(
            of: pickle, budget: budget ?? ReadingBudget(fileByteCount: pickle.count))
        return (root, heap)
    }

    /// The same for a pickle that other bytes may follow.
    ///
    /// - Returns: where the pickle ends, too. Units: bytes.
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
