/// The named tensors of a pickle: a dictionary of them, or one that a training script put under a usual key beside its
/// epoch and optimiser.
struct StateDictionary {
    /// In the pickle's order; what is no tensor is left out.
    let entries: [(name: String, tensor: PickledTensor)]

    /// Where training scripts put the weights.
    private static let wrappers = ["state_dict", "model_state_dict", "model", "net"]
    /// Some scripts wrap twice; a dictionary that holds itself would never end.
    private static let maxDepth = 4

    /// - Throws: ``CheckpointError/noTensors(keys:)`` or ``CheckpointError/notAStateDictionary(found:)`` when there are none.
    init(root: PickleValue, heap: PickleHeap) throws(CheckpointError) {
        guard case .dictionary(let rootIndex) = root else { throw .notAStateDictionary(found: root.kind) }

        var path = [rootIndex]
        while path.count < Self.maxDepth, let inner = Self.wrapped(in: heap.dictionaries[path[path.count - 1]], heap) {
            path.append(inner)
        }
        var entries: [(name: String, tensor: PickledTensor)] = []
        for index in path.reversed() where entries.isEmpty {
            entries = heap.dictionaries[index].compactMap { entry in
                guard let name = heap.text(entry.key), let tensor = Self.tensor(entry.value, heap) else { return nil }
                return (name, tensor)
            }
        }
        guard !entries.isEmpty else {
            let keys = heap.dictionaries[rootIndex].prefix(1000).map { entry in
                heap.text(entry.key) ?? entry.key.kind
            }
            throw .noTensors(keys: keys)
        }
        self.entries = entries
    }

    /// A tensor, or the quantized weight of a pair of weight and bias, as quantized linear layers keep it.
    private static func tensor(_ value: PickleValue, _ heap: PickleHeap) -> PickledTensor? {
        switch value {
        case .tensor(let index): return heap.tensors[index]
        case .tuple(let index):
            guard case .tensor(let first)? = heap.tuples[index].first, let weight = heap.tensors[first],
                QuantizedType.isQuantized(weight.scalarName)
            else { return nil }
            return weight
        default: return nil
        }
    }

    /// The dictionary under the first usual key that has one; Python keeps the last of equal keys.
    private static func wrapped(in entries: [PickleHeap.Entry], _ heap: PickleHeap) -> Int? {
        for wrapper in wrappers {
            for entry in entries.reversed() {
                if heap.text(entry.key) == wrapper {
                    if case .dictionary(let inner) = entry.value { return inner }
                    break
                }
            }
        }
        return nil
    }
}
