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
    init(pickle: ByteRegion) throws(CheckpointError) {
        let (root, heap) = try PickleMachine.run(pickle)
        guard case .dictionary(let rootIndex) = root else { throw .notAStateDictionary(found: root.kind) }

        var path = [rootIndex]
        while path.count < Self.maxDepth, let inner = Self.wrapped(in: heap.dictionaries[path[path.count - 1]]) {
            path.append(inner)
        }
        var entries: [(name: String, tensor: PickledTensor)] = []
        for index in path.reversed() where entries.isEmpty {
            entries = heap.dictionaries[index].compactMap { entry in
                guard case .string(let name) = entry.key, case .tensor(let tensor) = entry.value else { return nil }
                return (name, heap.tensors[tensor])
            }
        }
        guard !entries.isEmpty else {
            let keys = heap.dictionaries[rootIndex].prefix(1000).map { entry in
                if case .string(let key) = entry.key { key } else { entry.key.kind }
            }
            throw .noTensors(keys: keys)
        }
        self.entries = entries
    }

    /// The dictionary under the first usual key that has one; Python keeps the last of equal keys.
    private static func wrapped(in entries: [PickleHeap.Entry]) -> Int? {
        for wrapper in wrappers {
            for entry in entries.reversed() {
                if case .string(wrapper) = entry.key {
                    if case .dictionary(let inner) = entry.value { return inner }
                    break
                }
            }
        }
        return nil
    }
}
