/// Builds descriptions of PyTorch's storages and tensors.
///
/// - Source: PyTorch's `torch/serialization.py` (`persistent_load`) and `torch/_utils.py`
extension PickleMachine {
    /// Resolves a persistent id `('storage', torch.FloatStorage, key, location, element count)`. The legacy format
    /// appends `(view key, offset, size)` or None. The location (device) is ignored.
    ///
    /// The legacy format stores a whole network as `('module', class, file, source)`, which becomes the class. A
    /// storage of an unknown class becomes an inert object.
    mutating func storage(_ id: [PickleValue]) throws(CheckpointError) -> PickleValue {
        if id.count == 4, heap.text(id[0]) == "module", case .callable = id[1] { return id[1] }
        guard
            (5...6).contains(id.count), heap.text(id[0]) == "storage", case .callable(let callable) = id[1],
            let key = heap.text(id[2]), case .integer(let elementCount) = id[4], elementCount >= 0
        else { throw invalid("a persistent id of \(id.count) values", "the id of a storage") }
        switch callable {
        case .storageClass(let scalarName):
            return try heap.make(
                PickledStorage(
                    scalarName: scalarName, key: key, elementCount: elementCount,
                    view: id.count == 6 ? try view(id[5], of: elementCount) : nil))
        case .inert(let name): return try object(named: name, isInstance: true)
        default: throw invalid("a persistent id without a storage class", "the id of a storage")
        }
    }

    private func view(_ value: PickleValue, of elementCount: Int) throws(CheckpointError) -> Range<Int>? {
        if case .none = value { return nil }
        let metadata = try items(ofTuple: value)
        guard metadata.count == 3, case .integer(let offset) = metadata[1], case .integer(let count) = metadata[2],
            0...elementCount ~= offset, 0...elementCount - offset ~= count
        else { throw invalid("a view outside its storage of \(elementCount)", "a key, an offset and a size") }
        return offset..<offset + count
    }

    /// Makes a tensor: `_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, backward_hooks[, metadata])`.
    /// The first version ends after the strides; `_rebuild_qtensor` has quantizer parameters there.
    mutating func tensor(
        _ arguments: [PickleValue], argumentCounts: ClosedRange<Int>
    ) throws(CheckpointError) -> PickleValue {
        guard argumentCounts.contains(arguments.count) else { throw invalidTensor(arguments) }
        let tensor = try describedTensor(arguments)
        guard tensor.storage.scalarName != PickleCallable.untyped else {
            throw invalid("an untyped storage", "a typed storage")
        }
        return try heap.make(tensor)
    }

    /// Makes a tensor subclass: `_rebuild_from_type_v2(function, class, arguments, state)` is the result of
    /// `function(*arguments)` with attributes. In the first version the state is a dictionary.
    mutating func subclassTensor(_ arguments: [PickleValue]) throws(CheckpointError) -> PickleValue {
        guard arguments.count == 4 else {
            throw invalid("\(arguments.count) arguments", "a function and its arguments")
        }
        // Refused, because nested subclasses could recurse without end.
        if case .callable(.rebuildSubclass) = arguments[0] {
            throw invalid("a nested tensor subclass", "a function that makes a tensor")
        }
        let value = try call(arguments[0], with: try items(ofTuple: arguments[2]), isInstance: false)
        // If the class stores its data elsewhere, its name is more informative than the function's.
        if case .object = value, case .callable(.inert(let className)) = arguments[1] {
            return try object(named: className, isInstance: true)
        }
        return value
    }

    /// Makes a tensor with its own element type:
    /// `_rebuild_tensor_v3(storage, offset, size, stride, requires_grad, backward_hooks, dtype[, metadata])`.
    mutating func typedTensor(_ arguments: [PickleValue]) throws(CheckpointError) -> PickleValue {
        guard (7...8).contains(arguments.count) else { throw invalidTensor(arguments) }
        if case .callable(.inert(let type)) = arguments[6] { return try object(named: type, isInstance: true) }
        guard case .callable(.scalarType(let name)) = arguments[6], ScalarType(rawValue: name) == nil else {
            throw invalidTensor(arguments)
        }
        var tensor = try describedTensor(arguments)
        tensor.ownScalarName = name
        return try heap.make(tensor)
    }

    /// BUILD of a tensor that was created empty, from `(storage, offset, size, stride)`, as in PyTorch's first
    /// versions. If a tensor has its data already, the state holds training settings, which are ignored.
    mutating func fill(tensor index: Int, with state: PickleValue) throws(CheckpointError) {
        if heap.tensors[index] != nil { return }
        let parts = try items(ofTuple: state)
        guard parts.count == 4 else { throw invalidTensor(parts) }
        try heap.fill(tensor: index, with: try describedTensor(parts))
    }

    private func describedTensor(_ parts: [PickleValue]) throws(CheckpointError) -> PickledTensor {
        guard case .storage(let storage) = parts[0], case .integer(let offset) = parts[1] else {
            throw invalidTensor(parts)
        }
        return PickledTensor(
            storage: heap.storages[storage], offset: offset, extents: try numbers(parts[2]),
            strides: try numbers(parts[3]))
    }

    private func invalidTensor(_ parts: [PickleValue]) -> CheckpointError {
        invalid("\(parts.count) arguments", "a storage, an offset, sizes and strides")
    }

    func numbers(_ value: PickleValue) throws(CheckpointError) -> [Int] {
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
