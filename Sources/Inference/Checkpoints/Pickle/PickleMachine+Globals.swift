extension PickleMachine {
    mutating func global(module: String, name: String) throws(CheckpointError) -> PickleValue {
        let callable = PickleCallable(module: module, name: name)
        if case .refused(let name) = callable, firstRefused == nil { firstRefused = (name, position) }
        return .callable(callable)
    }

    /// - Parameter isObject: whether the pickle wants an instance, and not the result of a call.
    mutating func call(
        _ value: PickleValue, with arguments: [PickleValue], isObject: Bool
    ) throws(CheckpointError) -> PickleValue {
        guard case .callable(let callable) = value else { throw invalid(value.kind, "a global to call") }
        switch callable {
        case .refused(let name):
            throw isObject
                ? .refusedObject(className: name, offset: position) : .refusedGlobal(name: name, offset: position)
        case .inert, .scalarType:
            return .inert
        case .reconstructObject(let name):
            if let first = arguments.first, case .callable(.refused(let className)) = first {
                throw .refusedObject(className: className, offset: position)
            }
            throw .refusedGlobal(name: name, offset: position)
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
            heap.tensors.append(nil)
            return .tensor(heap.tensors.count - 1)
        case .orderedDictionary:
            return heap.makeDictionary(try entries(arguments))
        case .size:
            guard let sizes = arguments.first, arguments.count == 1 else {
                throw invalid("\(arguments.count) arguments", "one tuple")
            }
            _ = try items(ofTuple: sizes)
            return sizes
        case .rebuildParameter:
            guard let data = arguments.first, (1...4).contains(arguments.count), case .tensor = data else {
                throw invalid("\(arguments.count) arguments", "a parameter's tensor and its settings")
            }
            return data
        case .rebuildTensor:
            return try tensor(arguments, argumentCounts: 4...7)
        case .rebuildTypedTensor:
            return try typedTensor(arguments)
        case .rebuildQuantizedTensor:
            return try tensor(arguments, argumentCounts: 7...7)
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
}
