import Files

/// Reads a dictionary saved with `numpy.save`: a `.npy` file that holds one pickled object.
///
///     {"conv1": [weights, biases], …}    or    {"conv1": {"weights": …, "biases": …}, …}
///
/// Such dictionaries have TensorFlow's memory layout and are converted to PyTorch's (`conv1.weight`, `conv1.bias`); see
/// ``TensorFlowLayout``. A dictionary of single arrays, `{"features.0.weight": …}`, is not converted, like an `.npz`
/// file.
///
/// - Source: NumPy's `numpy/lib/format.py`; `bvlc_alexnet.npy` and its like, as caffe-tensorflow writes them.
enum ArrayDictionaryReader {
    /// The most layers, more than any supported network has. It limits the time to sort them.
    static let maxLayerCount = 1 << 12
    /// The longest name of a layer. It limits the time to sort them too. Units: bytes.
    static let maxNameByteCount = 1 << 8

    /// The tensors of a file in memory, in natural order of their names (numbers by value).
    static func read(_ file: ByteRegion, name: String, budget: ReadingBudget) throws(CheckpointError)
        -> CheckpointContents
    {
        var cursor = ByteCursor(file, what: "the array")
        let header = try ArrayHeader(&cursor, record: name)
        guard PickledArrayType(name: header.typeName).isObject, header.extents.allSatisfy({ $0 == 1 }) else {
            throw .unknownFormat(file: name, found: "is one NumPy array, not an archive or a dictionary of named ones")
        }
        let start = cursor.offset
        let (root, heap, end) = try PickleMachine.runStart(
            of: try cursor.region(byteCount: cursor.remainingByteCount), budget: budget)
        guard start + end == file.count else {
            throw .trailingBytes(offset: start + end, byteCount: file.count - start - end)
        }
        let entries = try dictionary(root, heap)
        var contents = CheckpointContents(budget: budget)
        var layers: [ArrayLayer] = []
        var names: Set<String> = []
        for entry in entries {
            guard let name = heap.text(entry.key) else { continue }
            if case .array(let index) = entry.value, let array = heap.arrays[index]?.numbers {
                try contents.append(array, name: name)
            } else if let layer = try ArrayLayer(name: name, entry.value, heap) {
                guard names.insert(name).inserted else { throw .duplicateTensor(name: name + ".weight") }
                layers.append(layer)
                guard layers.count <= maxLayerCount else {
                    throw .limitExceeded(what: "layers", found: layers.count, limit: maxLayerCount)
                }
                guard name.utf8.count <= maxNameByteCount else {
                    throw .limitExceeded(
                        what: "bytes in the name of a layer", found: name.utf8.count, limit: maxNameByteCount)
                }
            }
        }
        for (name, tensor) in try TensorFlowLayout.converted(layers) { try contents.append(tensor, name: name) }
        guard !contents.tensors.isEmpty || !contents.skipped.isEmpty else {
            throw .noTensors(keys: entries.prefix(1000).map { heap.text($0.key) ?? $0.key.kind })
        }
        return contents
    }

    private static func dictionary(
        _ root: PickleValue, _ heap: PickleHeap
    ) throws(CheckpointError) -> [PickleHeap.Entry] {
        guard case .array(let index) = root, let array = heap.arrays[index], case .objects(let list) = array.elements,
            array.extents.allSatisfy({ $0 == 1 }), heap.lists[list].count == 1
        else { throw heap.notADictionary(root) }
        guard let dictionary = heap.dictionary(heap.lists[list][0]) else {
            throw heap.notADictionary(heap.lists[list][0])
        }
        return heap.dictionaries[dictionary]
    }
}

extension PickledArray {
    /// The array, if its elements are numbers; nil if they are Python objects.
    var numbers: NumPyArray? {
        guard case .bytes(let data) = elements else { return nil }
        return NumPyArray(typeName: type.description, extents: extents, isColumnMajor: isColumnMajor, data: data)
    }
}

/// The weights and biases of one layer in a dictionary of arrays.
struct ArrayLayer {
    let name: String
    /// The weights. Shape: kernels `[H, W, I, O]`, matrices `[in, out]`.
    let weight: StoredTensor
    let bias: StoredTensor?

    /// The most values of one layer that are examined: the pickle may refer to one long list many times.
    private static let maxPartCount = 8

    /// Whether no value of a container is an array or a container that could hold one, as in a list of classes or a
    /// setting.
    private static func holdsNoArrays(_ values: some Sequence<PickleValue>) -> Bool {
        values.prefix(maxPartCount + 1).allSatisfy { value in
            switch value {
            case .array, .list, .tuple, .dictionary, .tensor: false
            default: true
            }
        }
    }

    /// Reads a layer from a list, tuple or object array `[weights, biases]`, or from a dictionary of both; nil for
    /// values without arrays, such as an epoch number.
    ///
    /// - Throws: ``CheckpointError/invalidLayer(name:found:)`` if there are arrays other than these two.
    init?(name: String, _ value: PickleValue, _ heap: PickleHeap) throws(CheckpointError) {
        let parts: [(role: Role, array: NumPyArray)]
        switch value {
        case .list(let index):
            if Self.holdsNoArrays(heap.lists[index]) { return nil }
            parts = try Self.parts(heap.lists[index], name, heap)
        case .tuple(let index):
            if Self.holdsNoArrays(heap.tuples[index]) { return nil }
            parts = try Self.parts(heap.tuples[index], name, heap)
        case .array(let index):
            guard let array = heap.arrays[index], case .objects(let list) = array.elements else { return nil }
            parts = try Self.parts(heap.lists[list], name, heap)
        case .dictionary(let index):
            if Self.holdsNoArrays(heap.dictionaries[index].lazy.map(\.value)) { return nil }
            parts = try Self.parts(heap.dictionaries[index], name, heap)
        default: return nil
        }
        self.name = name
        guard let weight = try Self.tensor(.weight, parts, name), [2, 4].contains(weight.shape.rank),
            weight.shape.elementCount > 0
        else { throw .invalidLayer(name: name, found: "no weights of two or four axes") }
        self.weight = weight
        bias = try Self.tensor(.bias, parts, name)
        if let bias, bias.shape.rank != 1 {
            throw .invalidLayer(name: name, found: "biases of shape \(bias.shape)")
        }
    }

    private enum Role: String { case weight, bias }

    /// The dictionary keys of each role.
    private static let roles: [String: Role] = [
        "weights": .weight, "weight": .weight, "biases": .bias, "bias": .bias,
    ]

    private static func parts(
        _ items: [PickleValue], _ name: String, _ heap: PickleHeap
    ) throws(CheckpointError) -> [(role: Role, array: NumPyArray)] {
        guard 1...2 ~= items.count else { throw .invalidLayer(name: name, found: "\(items.count) values") }
        return [
            (.weight, try array(items[0], name, heap))
        ] + (items.count == 2 ? [(.bias, try array(items[1], name, heap))] : [])
    }

    private static func parts(
        _ entries: [PickleHeap.Entry], _ name: String, _ heap: PickleHeap
    ) throws(CheckpointError) -> [(role: Role, array: NumPyArray)] {
        guard entries.count <= maxPartCount else { throw .invalidLayer(name: name, found: "\(entries.count) values") }
        var parts: [(role: Role, array: NumPyArray)] = []
        for entry in entries {
            let key = heap.text(entry.key) ?? entry.key.kind
            guard let role = roles[key], !parts.contains(where: { $0.role == role }) else {
                throw .invalidLayer(name: name, found: key)
            }
            parts.append((role, try array(entry.value, name, heap)))
        }
        return parts
    }

    private static func array(
        _ value: PickleValue, _ name: String, _ heap: PickleHeap
    ) throws(CheckpointError) -> NumPyArray {
        guard case .array(let index) = value else { throw .invalidLayer(name: name, found: heap.kind(value)) }
        guard let array = heap.arrays[index]?.numbers else {
            throw .invalidLayer(name: name, found: "an array without numbers")
        }
        return array
    }

    private static func tensor(
        _ role: Role, _ parts: [(role: Role, array: NumPyArray)], _ name: String
    ) throws(CheckpointError) -> StoredTensor? {
        guard let array = parts.first(where: { $0.role == role })?.array else { return nil }
        let fullName = "\(name).\(role.rawValue)"
        guard let tensor = try array.tensor(name: fullName) else {
            throw .unsupportedScalarType(name: fullName, found: array.typeName)
        }
        return tensor
    }
}
