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
    mutating func storage(_ id: [PickleValue]) throws(CheckpointError) -> PickleValue {
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
