/// Runs a pickle as far as tensors need it: it makes numbers, strings, containers and descriptions of tensors, and
/// refuses every other global. No code of a checkpoint ever runs, for there is nothing here that could run it.
///
/// Time and memory are bounded by the pickle's length: each instruction pushes at most one value, containers are shared by
/// index instead of copied, and those few steps that do copy count what they copy.
struct PickleMachine {
    var cursor: ByteCursor
    var stack = PickleStack()
    var memo: [Int: PickleValue] = [:]
    var heap = PickleHeap()
    var stepCount = 0
    /// Where the instruction being carried out begins.
    var position = 0
    var firstRefused: (name: String, offset: Int)?
    /// How much text was made into bytes.
    var decodedByteCount = 0

    /// A network of a thousand tensors with its optimiser's state takes about 100,000 steps.
    static let maxStepCount = 1 << 20
    /// Limits what a deflated pickle can grow to. Not for arrays, which lie in their pickle: they are left where they are.
    static let maxByteCount = 16 << 20
    /// Longer text is left where it lies, and is no name. Units: bytes.
    static let maxTextByteCount = 1 << 16
    /// Numbers and names of protocol 0. Units: bytes.
    static let maxLineByteCount = 1 << 16

    private init(_ pickle: ByteRegion) { cursor = ByteCursor(pickle, what: "the pickle") }

    /// The value that a pickle stands for, and the heap its containers live in.
    ///
    /// - Throws: ``CheckpointError/refusedGlobal(name:offset:)`` or ``CheckpointError/refusedObject(className:offset:)``
    ///   when it names anything but the parts of a state dictionary; others when it is malformed.
    static func run(_ pickle: ByteRegion) throws(CheckpointError) -> (root: PickleValue, heap: PickleHeap) {
        guard pickle.count <= maxByteCount else {
            throw .limitExceeded(what: "bytes of pickle", found: pickle.count, limit: maxByteCount)
        }
        let (root, heap, _) = try runStart(of: pickle)
        return (root, heap)
    }

    /// The same for a pickle that other bytes may follow, and of any length.
    ///
    /// - Returns: where the pickle ends, too. Units: bytes.
    static func runStart(
        of bytes: ByteRegion
    ) throws(CheckpointError) -> (root: PickleValue, heap: PickleHeap, end: Int) {
        var machine = PickleMachine(bytes)
        let result = Result { () throws(CheckpointError) in try machine.run() }
        // What a pickle wants to run says more than where it is broken besides.
        if let refused = machine.firstRefused {
            if case .failure(.refusedObject(let name, let offset)) = result {
                throw .refusedObject(className: name, offset: offset)
            }
            if case .failure(.refusedGlobal(let name, let offset)) = result {
                throw .refusedGlobal(name: name, offset: offset)
            }
            throw .refusedGlobal(name: refused.name, offset: refused.offset)
        }
        return (try result.get(), machine.heap, machine.cursor.offset)
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
        case .long4: stack.push(try integer(byteCount: try signedByteCount()))
        case .int, .long: stack.push(try decimal())
        case .binFloat: try pushInert(byteCount: 8)
        case .float:
            _ = try cursor.line(maxByteCount: Self.maxLineByteCount)
            stack.push(.inert)

        case .shortBinUnicode: stack.push(try unicode(byteCount: Int(try cursor.number(UInt8.self))))
        case .binUnicode: stack.push(try unicode(byteCount: Int(try cursor.number(UInt32.self))))
        case .binUnicode8: stack.push(try unicode(byteCount: Int(clamping: try cursor.number(UInt64.self))))
        case .shortBinString: try pushBytes(byteCount: Int(try cursor.number(UInt8.self)))
        case .binString: try pushBytes(byteCount: try signedByteCount())
        case .unicode: stack.push(try textLine(quoted: false))
        case .string: stack.push(try textLine(quoted: true))
        case .shortBinBytes: try pushBytes(byteCount: Int(try cursor.number(UInt8.self)))
        case .binBytes: try pushBytes(byteCount: Int(try cursor.number(UInt32.self)))
        case .binBytes8, .byteArray8: try pushBytes(byteCount: Int(clamping: try cursor.number(UInt64.self)))

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
            stack.push(try call(callable, with: try popItems(), isObject: false))
        case .obj:
            let items = try popItems()
            guard let callable = items.first else { throw invalid("nothing", "a class") }
            stack.push(try call(callable, with: Array(items.dropFirst()), isObject: false))
        case .build: try build()
        case .binPersID: stack.push(try storage(try items(ofTuple: try pop())))
        }
    }
}
