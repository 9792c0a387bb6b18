import Files

/// The named tensors of a pickle: a dictionary of them, or one that a training script put under a key of its own beside its
/// epoch and optimiser.
struct StateDictionary {
    /// What stands under a tensor's name.
    enum Element {
        case tensor(PickledTensor)
        /// Scripts that save for other frameworks too keep NumPy's arrays.
        case array(NumPyArray)
    }

    /// In the pickle's order; what is neither a tensor nor named like a weight is left out.
    let entries: [(name: String, element: Element)]
    /// What has a weight's name and is no tensor.
    let objects: [StoredObject]
    /// What a person should know about the choice, one sentence each.
    let notes: [String]

    /// Where training scripts put the weights, most usual first.
    private static let wrappers = [
        "state_dict", "model_state_dict", "model", "net", "network", "weights", "params", "module", "model_state",
        "model_weights", "model_params", "model_dict", "net_state_dict", "network_state_dict", "state",
    ]
    /// Where they put moving averages of the weights: taken where there is nothing else.
    private static let averages = [
        "state_dict_ema", "model_ema", "ema_state_dict", "model_ema_state_dict", "model_state_dict_ema", "ema",
        "params_ema", "ema_model", "net_ema", "ema_weights", "ema_params", "swa_model", "swa_state_dict",
        "averaged_model",
    ]
    private static let usualKeys: [String: Int] = Dictionary(
        uniqueKeysWithValues: (wrappers + averages).enumerated().map { ($0.element, $0.offset) })
    /// Beginnings of the names of what is no network.
    private static let trainingKeys = [
        "optim", "lr_sched", "sched", "scaler", "criterion", "loss", "callbacks", "loops",
    ]
    /// Some scripts wrap twice.
    private static let maxDepth = 4

    /// - Throws: ``CheckpointError/noTensors(keys:)`` or ``CheckpointError/notAStateDictionary(found:)`` when there are none,
    ///   ``CheckpointError/severalStateDictionaries(keys:)`` when it is open which are meant.
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

    /// What stands for a tensor: itself, an array, or the quantized weight of a pair of weight and bias, as quantized linear
    /// layers keep it.
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

    /// Whether a layer would look for a tensor of that name.
    private static func isWeightName(_ name: String) -> Bool { suffixes.contains(where: name.hasSuffix) }

    // MARK: Search

    private struct Found {
        /// The keys that lead to it.
        var path: [String] = []
        let dictionary: Int
        /// Other dictionaries of weights beside it, by their keys.
        var others: [String] = []
    }

    /// Looks into each dictionary once, however often it is referred to: one that holds itself would never end.
    private struct Search {
        let heap: PickleHeap
        var visited: Set<Int> = []

        /// Under a usual key first, then in the dictionary itself, then under the only other key that leads to weights.
        mutating func find(in dictionary: Int, depth: Int) throws(CheckpointError) -> Found? {
            guard depth <= maxDepth, !visited.contains(dictionary) else { return nil }
            try heap.budget.charge(32, for: "the search for weights")
            visited.insert(dictionary)

            /// By their rank; Python keeps the last of equal keys.
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

        /// The first of several that has tensors; the others are told.
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

    /// A network where its weights should be says more than that there are no weights.
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
    /// What a pickle holds instead of a dictionary of tensors: of an object what would have made it, and where.
    func notADictionary(_ value: PickleValue) -> CheckpointError {
        guard case .object(let index) = value else { return .notAStateDictionary(found: kind(value)) }
        let object = objects[index]
        return object.isInstance
            ? .refusedObject(className: object.name, offset: object.offset)
            : .refusedGlobal(name: object.name, offset: object.offset)
    }
}

extension StateDictionary {
    /// The tensors with their bytes; those whose type is no weight's are noted and left out.
    ///
    /// - Parameter bytes: all that a storage has.
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
