/// Resolves and calls the globals of a pickle.
extension PickleMachine {
    /// Resolves `module.name`.
    mutating func global(module: String, name: String) throws(CheckpointError) -> PickleValue {
        let byteCount = module.utf8.count + name.utf8.count
        guard byteCount <= PickleCallable.maxNameByteCount else {
            throw invalid("a global's name of \(byteCount) bytes", "at most \(PickleCallable.maxNameByteCount)")
        }
        try budget.charge(textOf: byteCount, for: "a pickle's globals")
        return .callable(PickleCallable(module: module, name: name))
    }

    /// The result of calling a global. No code runs: a global outside the allowlist gives an object that is only a
    /// name.
    ///
    /// - Parameter isInstance: true if the opcode makes an instance of a class (NEWOBJ); false if it calls a function.
    mutating func call(
        _ value: PickleValue, with arguments: [PickleValue], isInstance: Bool
    ) throws(CheckpointError) -> PickleValue {
        switch value {
        case .callable(let callable): return try call(callable, with: arguments, isInstance: isInstance)
        // A call of a function's result: `functools.partial(f)(x)`.
        case .object(let index): return try object(named: heap.objects[index].name, isInstance: isInstance)
        default: throw invalid(value.kind, "a global to call")
        }
    }

    private mutating func call(
        _ callable: PickleCallable, with arguments: [PickleValue], isInstance: Bool
    ) throws(CheckpointError) -> PickleValue {
        // A tensor made from an inert object is inert too: its storage has an unknown class, or it is a parameter of an
        // unknown subclass.
        if callable.isTensorMaker, case .object(let index)? = arguments.first {
            return try object(named: heap.objects[index].name, isInstance: heap.objects[index].isInstance)
        }
        switch callable {
        case .inert(let name):
            return try object(named: name, isInstance: isInstance || PickleObject.isClass(name))
        case .scalarType(let name):
            try budget.charge(textOf: 32, for: "a pickle's objects")
            return try object(named: "torch." + name, isInstance: isInstance)
        case .makeObject:
            return try object(madeOf: arguments)
        case .set:
            return .set
        case .encode:
            return try encoded(arguments)
        case .arrayType:
            return try arrayType(arguments)
        case .reconstructArray:
            return try emptyArray(arguments)
        case .arrayFromBuffer:
            return try arrayFromBuffer(arguments)
        case .arrayClass:
            throw invalid("a call of numpy.ndarray", "an array with its contents")
        case .tensorClass:
            guard arguments.isEmpty else { throw invalid("\(arguments.count) arguments", "none") }
            return try heap.make(PickledTensor?.none)
        case .dictionary:
            return try dictionary(arguments)
        case .size:
            guard let sizes = arguments.first, arguments.count == 1 else {
                throw invalid("\(arguments.count) arguments", "one tuple")
            }
            _ = try items(ofTuple: sizes)
            return sizes
        case .rebuildParameter:
            guard let data = arguments.first, (1...4).contains(arguments.count) else {
                throw invalid("\(arguments.count) arguments", "a parameter's tensor and settings")
            }
            switch data {
            case .tensor, .array: return data
            default: throw invalid("\(arguments.count) arguments", "a parameter's tensor and settings")
            }
        case .rebuildSubclass:
            return try subclassTensor(arguments)
        case .rebuildTensor:
            return try tensor(arguments, argumentCounts: 4...7)
        case .rebuildTypedTensor:
            return try typedTensor(arguments)
        case .rebuildQuantizedTensor:
            return try tensor(arguments, argumentCounts: 7...7)
        case .storageClass(let scalarName):
            throw invalid("a call of the storage class of \(scalarName)", "a storage with a persistent id")
        }
    }

    /// EXT1, EXT2 and EXT4 push a global by its code in a registry of the program that wrote the file. The registry is
    /// unknown here.
    mutating func pushExtension(_ code: Int) throws(CheckpointError) {
        try budget.charge(textOf: 24, for: "a pickle's globals")
        try stack.push(.callable(.inert(name: "extension \(code)")))
    }

    /// Makes an inert object.
    mutating func object(named name: String, isInstance: Bool) throws(CheckpointError) -> PickleValue {
        try heap.make(PickleObject(name: name, isInstance: isInstance, offset: position))
    }

    /// Makes an object: `copyreg._reconstructor(class, base, state)` and `copyreg.__newobj__(class, …)`. If the state
    /// is a dictionary, the class is a subclass of `dict`.
    private mutating func object(madeOf arguments: [PickleValue]) throws(CheckpointError) -> PickleValue {
        let name: String
        switch arguments.first {
        case .callable(.dictionary): return try dictionary([])
        case .callable(.inert(let className)): name = className
        case .object(let index): name = heap.objects[index].name
        default: name = "copyreg._reconstructor"
        }
        return try heap.make(
            PickleObject(
                name: name, isInstance: true, offset: position,
                dictionary: arguments.count == 3 ? heap.dictionary(arguments[2]) : nil))
    }

    /// Makes a dictionary: `OrderedDict()`, Python 2's `OrderedDict([[key, value], …])`, `defaultdict(list)` and
    /// `Counter({key: count, …})`.
    private mutating func dictionary(_ arguments: [PickleValue]) throws(CheckpointError) -> PickleValue {
        guard let argument = arguments.last else { return try heap.makeDictionary() }
        switch argument {
        case .list(let index):
            return try heap.makeDictionary(try entries(ofList: index))
        case .dictionary(let index):
            try charge(heap.dictionaries[index].count)
            return try heap.makeDictionary(heap.dictionaries[index])
        case .callable, .object, .none:
            return try heap.makeDictionary()  // the default factory of a defaultdict
        default: throw invalid(argument.kind, "a list of pairs")
        }
    }

    private mutating func entries(ofList index: Int) throws(CheckpointError) -> [PickleHeap.Entry] {
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
}

extension PickleCallable {
    /// Whether the result is a tensor or array made from the first argument.
    fileprivate var isTensorMaker: Bool {
        switch self {
        case .rebuildTensor, .rebuildTypedTensor, .rebuildQuantizedTensor, .rebuildParameter, .arrayFromBuffer: true
        default: false
        }
    }
}
