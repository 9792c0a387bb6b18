/// The tensors of a checkpoint in file order, each under a name of its own.
public struct StoredTensors: Sendable, RandomAccessCollection {
    /// A tensor and what it is called.
    public typealias Element = (name: String, tensor: StoredTensor)

    private var elements: [Element] = []
    private var indices: [String: Int] = [:]

    init() {}

    /// Tensors that are in memory already.
    ///
    /// - Throws: ``CheckpointError/duplicateTensor(name:)``
    package init(_ tensors: [(name: String, tensor: Tensor)]) throws(CheckpointError) {
        for (name, tensor) in tensors { try append(try tensor.stored(as: name), name: name) }
    }

    /// Always 0.
    public var startIndex: Int { elements.startIndex }
    /// How many tensors there are.
    public var endIndex: Int { elements.endIndex }
    /// The tensor at a place in the file's order.
    public subscript(position: Int) -> Element { elements[position] }

    /// The tensor of that name, if there is one.
    public subscript(name: String) -> StoredTensor? { indices[name].map { elements[$0].tensor } }

    /// All names, in file order.
    public var names: [String] { elements.map(\.name) }

    /// Those whose names begin so, under what comes behind it.
    ///
    /// - Throws: ``CheckpointError/nothingUnderPrefix(_:)``
    func under(_ prefix: String) throws(CheckpointError) -> StoredTensors {
        var tensors = StoredTensors()
        for (name, tensor) in elements where name.hasPrefix(prefix) && name.count > prefix.count {
            try tensors.append(tensor, name: String(name.dropFirst(prefix.count)))
        }
        guard !tensors.isEmpty else { throw .nothingUnderPrefix(prefix) }
        return tensors
    }

    /// The names of those that share no byte with another one.
    var namesOfUnshared: Set<String> {
        var names: Set<String> = []
        let sorted = elements.sorted { left, right in
            (ObjectIdentifier(left.tensor.storage.buffer), left.tensor.storage.range.lowerBound)
                < (ObjectIdentifier(right.tensor.storage.buffer), right.tensor.storage.range.lowerBound)
        }
        /// Where those before end.
        var reach = 0
        for (index, (name, tensor)) in sorted.enumerated() {
            let (buffer, range) = (tensor.storage.buffer, tensor.storage.range)
            if index == 0 || sorted[index - 1].tensor.storage.buffer !== buffer { reach = 0 }
            let next = index + 1 < sorted.count ? sorted[index + 1].tensor.storage : nil
            let isBeforeOthers = next.map { $0.buffer !== buffer || $0.range.lowerBound >= range.upperBound } ?? true
            if range.lowerBound >= reach, isBeforeOthers { names.insert(name) }
            reach = Swift.max(reach, range.upperBound)
        }
        return names
    }

    /// - Throws: ``CheckpointError/duplicateTensor(name:)``
    mutating func append(_ tensor: StoredTensor, name: String) throws(CheckpointError) {
        guard indices.updateValue(elements.count, forKey: name) == nil else { throw .duplicateTensor(name: name) }
        elements.append((name, tensor))
    }
}
