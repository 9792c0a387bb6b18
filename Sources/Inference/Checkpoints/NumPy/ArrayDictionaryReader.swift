import Files

/// Reads what `numpy.save` writes of a dictionary: an array of one object, which is a pickle.
///
///     {"conv1": [weights, biases], …}    or    {"conv1": {"weights": …, "biases": …}, …}
///
/// Such a dictionary has TensorFlow's layout, and is turned into PyTorch's: `conv1.weight`, `conv1.bias`; see
/// ``TensorFlowLayout``. One of single arrays, `{"features.0.weight": …}`, is taken as it is, like an `.npz` file.
///
/// - Source: NumPy's `numpy/lib/format.py`; `bvlc_alexnet.npy` and its like, as caffe-tensorflow writes them.
enum ArrayDictionaryReader {
    /// Layers are put in order by their names, and no network that runs here has so many, or names so long.
    static let maxLayerCount = 1 << 12
    /// Units: bytes.
    static let maxNameByteCount = 1 << 8

    /// The tensors of a file that lies in memory, in the order of their names, numbers by value.
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
    /// The array where its elements are numbers and not Python's objects.
    var numbers: NumPyArray? {
        guard case .bytes(let data) = elements else { return nil }
        return NumPyArray(typeName: type.description, extents: extents, isColumnMajor: isColumnMajor, data: data)
    }
}
