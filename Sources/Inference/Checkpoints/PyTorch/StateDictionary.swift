import Files

/// Finds the state dictionary in a pickle: the root itself, or a value under a key beside the epoch and the optimiser,
/// as training scripts save it.
struct StateDictionary {
    /// The value of a weight.
    enum Element {
        case tensor(PickledTensor)
        /// A NumPy array, as saved by scripts that share weights with other frameworks.
        case array(NumPyArray)
    }

    /// The weights in the pickle's order.
    let entries: [(name: String, element: Element)]
    /// Values with the name of a weight that are not tensors.
    let objects: [StoredObject]
    /// Remarks about the choice between several dictionaries, one sentence each.
    let notes: [String]

    /// Keys under which training scripts save the weights, most common first.
    private static let wrappers = [
        "state_dict", "model_state_dict", "model", "net", "network", "weights", "params", "module", "model_state",
        "model_weights", "model_params", "model_dict", "net_state_dict", "network_state_dict", "state",
    ]
    /// Keys of averaged weights (EMA, SWA), used if there are no plain weights.
    private static let averages = [
        "state_dict_ema", "model_ema", "ema_state_dict", "model_ema_state_dict", "model_state_dict_ema", "ema",
        "params_ema", "ema_model", "net_ema", "ema_weights", "ema_params", "swa_model", "swa_state_dict",
        "averaged_model",
    ]
    private static let usualKeys: [String: Int] = Dictionary(
        uniqueKeysWithValues: (wrappers + averages).enumerated().map { ($0.element, $0.offset) })
    /// Prefixes of keys whose values are training state, not weights.
    private static let trainingKeys = [
        "optim", "lr_sched", "sched", "scaler", "criterion", "loss", "callbacks", "loops",
    ]
    /// The deepest nesting that is searched. Some scripts wrap the weights twice.
    private static let maxDepth = 4

    /// Searches a pickle for weights.
    ///
    /// - Throws: ``CheckpointError/noTensors(keys:)`` or ``CheckpointError/notAStateDictionary(found:)`` when there are
    ///   none, ``CheckpointError/severalStateDictionaries(keys:)`` when the choice is ambiguous.
    init(root: PickleValue, heap: PickleHeap) throws(CheckpointError) {
        guard let rootIndex = heap.dictionary(root) else { throw heap.notADictionary(root) }
        var search = Search(heap: heap)
        guard let found = try search.find(in: rootIndex, depth: 1) else { throw Self.noTensors(rootIndex, heap) }

        var entries: [(name: String, element: Element)] = []
        var objects: [StoredObject] = []
        for entry in heap.dictionaries[found.dictionary] {
            guard let name = heap.text(entry.key) else { continue }
            if let element = Self.element(entry.value, heap) {
                try heap.budget.charge(MemoryLayout<(String, Element)>.stride, for: "the tensors' names")
                entries.append((name, element))
            } else if Self.isWeightName(name) {
                if case .none = entry.value { continue }
                try heap.budget.charge(textOf: 200, for: "the tensors' names")
                objects.append(StoredObject(name: CheckpointContents.plainName(name), kind: heap.kind(entry.value)))
            }
        }
        self.entries = entries
        self.objects = objects
        notes = found.others.isEmpty ? [] : [Self.note(found)]
    }

    /// The weight in a value: a tensor, an array, or the first of a pair of quantized weight and bias, as quantized
    /// linear layers save it.
    private static func element(_ value: PickleValue, _ heap: PickleHeap) -> Element? {
        switch value {
        case .tensor(let index): return heap.tensors[index].map(Element.tensor)
        case .array(let index):
            return heap.arrays[index]?.numbers.flatMap { $0.holdsNumbers ? Element.array($0) : nil }
        case .tuple(let index):
            guard case .tensor(let first)? = heap.tuples[index].first, let weight = heap.tensors[first],
                QuantizedType.isQuantized(weight.scalarName)
            else { return nil }
            return .tensor(weight)
        default: return nil
        }
    }

    private static let suffixes = [".weight", ".bias", ".running_mean", ".running_var"]

    /// Whether a name is that of a layer's parameter.
    private static func isWeightName(_ name: String) -> Bool { suffixes.contains(where: name.hasSuffix) }

    // MARK: Search

    private struct Found {
        /// The keys from the root to the dictionary.
        var path: [String] = []
        let dictionary: Int
        /// Keys of other dictionaries of weights beside it.
        var others: [String] = []
    }

    /// A depth-first search that visits each dictionary once, since the pickle may contain cycles.
    private struct Search {
        let heap: PickleHeap
        var visited: Set<Int> = []

        /// Searches under the usual keys first, then in the dictionary itself, then under other keys. Of the other
        /// keys, only one may lead to weights.
        mutating func find(in dictionary: Int, depth: Int) throws(CheckpointError) -> Found? {
            guard depth <= maxDepth, !visited.contains(dictionary) else { return nil }
            try heap.budget.charge(32, for: "the search for weights")
            visited.insert(dictionary)

            /// Dictionaries under usual keys, by the key's rank. If a key is repeated, the last one counts, as in
            /// Python.
            var usual: [Int: (key: String, dictionary: Int)] = [:]
            var unusual: [(key: String, dictionary: Int)] = []
            var (holdsWeights, holdsTensors) = (false, false)
            for entry in heap.dictionaries[dictionary] {
                guard let key = heap.text(entry.key) else { continue }
                let inner = heap.dictionary(entry.value)
                if let rank = usualKeys[key] { usual[rank] = inner.map { (key, $0) } }
                if let inner {
                    guard usualKeys[key] == nil else { continue }
                    guard !trainingKeys.contains(where: key.lowercased().hasPrefix) else { continue }
                    try heap.budget.charge(MemoryLayout<(String, Int)>.stride, for: "the search for weights")
                    unusual.append((key, inner))
                } else if !holdsWeights, element(entry.value, heap) != nil {
                    holdsTensors = true
                    holdsWeights = isWeightName(key)
                }
            }
            let own = Found(dictionary: dictionary)
            let wrapped = try find(in: usual.sorted { $0.key < $1.key }.map(\.value), depth: depth + 1)
            if let wrapped { return wrapped }
            if holdsWeights { return own }
            var others: [Found] = []
            for (key, inner) in unusual {
                guard var other = try find(in: inner, depth: depth + 1), holdsWeightsItself(other.dictionary) else {
                    continue
                }
                other.path.insert(key, at: 0)
                others.append(other)
            }
            if others.count > 1 { throw .severalStateDictionaries(keys: others.compactMap(\.path.first)) }
            return others.first ?? (holdsTensors ? own : nil)
        }

        /// The first candidate that has tensors. The keys of the other candidates are recorded.
        private mutating func find(
            in candidates: [(key: String, dictionary: Int)], depth: Int
        ) throws(CheckpointError) -> Found? {
            var first: Found?
            for (key, dictionary) in candidates {
                if first != nil {
                    if holdsWeightsItself(dictionary) { first?.others.append(key) }
                } else if var found = try find(in: dictionary, depth: depth) {
                    found.path.insert(key, at: 0)
                    first = found
                }
            }
            return first
        }

        private func holdsWeightsItself(_ dictionary: Int) -> Bool {
            heap.dictionaries[dictionary].contains { entry in
                heap.text(entry.key).map(isWeightName) == true && element(entry.value, heap) != nil
            }
        }
    }

    private static func note(_ found: Found) -> String {
        func keys(_ keys: some Sequence<String>) -> String {
            keys.map { "\"\(PickleObject.shortened($0))\"" }.joined(separator: " and ")
        }
        let path = found.path.map { "[\"\(PickleObject.shortened($0))\"]" }.joined()
        return
            "the weights are those of \(path); the file also has \(keys(found.others.prefix(4))): to take others, save "
            + "them alone, as torch.save(checkpoint[\"\(PickleObject.shortened(found.others[0]))\"], path)"
    }

    // MARK: Errors

    /// The error for a file without weights. If a whole network was saved instead, the error says so.
    private static func noTensors(_ dictionary: Int, _ heap: PickleHeap) -> CheckpointError {
        let entries = heap.dictionaries[dictionary].prefix(1000)
        for entry in entries {
            guard let key = heap.text(entry.key), usualKeys[key] != nil, case .object(let index) = entry.value else {
                continue
            }
            return .wrappedObject(key: key, found: heap.objects[index].kind)
        }
        return .noTensors(
            keys: entries.map { entry in
                guard let key = heap.text(entry.key) else { return entry.key.kind }
                guard case .object(let index) = entry.value else { return key }
                return "\(PickleObject.shortened(key)) (\(PickleObject.shortened(heap.objects[index].name)))"
            })
    }
}

extension PickleHeap {
    /// The error for a root value that is not a dictionary. For an object, it gives the class or function and the
    /// offset.
    func notADictionary(_ value: PickleValue) -> CheckpointError {
        guard case .object(let index) = value else { return .notAStateDictionary(found: kind(value)) }
        let object = objects[index]
        return object.isInstance
            ? .refusedObject(className: object.name, offset: object.offset)
            : .refusedGlobal(name: object.name, offset: object.offset)
    }
}

extension StateDictionary {
    /// Binds the tensors to their storages' bytes, and records tensors that are not floating point as skipped.
    ///
    /// - Parameter bytes: returns all bytes of a storage.
    func contents(
        budget: ReadingBudget,
        bytes: (_ storage: PickledStorage, _ scalarType: ScalarType) throws(CheckpointError) -> ByteRegion
    ) throws(CheckpointError) -> CheckpointContents {
        var contents = CheckpointContents(budget: budget)
        (contents.objects, contents.notes) = (objects, notes)
        for (name, element) in entries {
            switch element {
            case .array(let array): try contents.append(array, name: name)
            case .tensor(let tensor):
                guard let scalarType = ScalarType(rawValue: tensor.scalarName) else {
                    try contents.skip(name, scalarName: tensor.scalarName)
                    continue
                }
                let storage = try bytes(tensor.storage, scalarType)
                try contents.append(
                    try tensor.stored(as: name, scalarType: scalarType, storage: storage), name: name)
            }
        }
        return contents
    }
}
