/// A layer as a dictionary of arrays has it: weights and biases under the layer's name.
struct ArrayLayer {
    let name: String
    /// Shape: kernels `[H, W, I, O]`, matrices `[in, out]`.
    let weight: StoredTensor
    let bias: StoredTensor?

    /// More than any layer has; a list may be referred to often, and is not looked through each time.
    private static let maxPartCount = 8

    /// Whether a list or a dictionary holds neither arrays nor containers that could, as a list of classes or a setting does.
    private static func isHarmless(_ values: some Sequence<PickleValue>) -> Bool {
        values.prefix(maxPartCount + 1).allSatisfy { value in
            switch value {
            case .array, .list, .tuple, .dictionary, .tensor: false
            default: true
            }
        }
    }

    /// A layer of a list, tuple or object array `[weights, biases]`, or of a dictionary of them; nil for what holds no arrays at
    /// all, such as an epoch.
    ///
    /// - Throws: ``CheckpointError/invalidLayer(name:found:)`` for any other array than those two.
    init?(name: String, _ value: PickleValue, _ heap: PickleHeap) throws(CheckpointError) {
        let parts: [(role: Role, array: NumPyArray)]
        switch value {
        case .list(let index):
            if Self.isHarmless(heap.lists[index]) { return nil }
            parts = try Self.parts(heap.lists[index], name, heap)
        case .tuple(let index):
            if Self.isHarmless(heap.tuples[index]) { return nil }
            parts = try Self.parts(heap.tuples[index], name, heap)
        case .array(let index):
            guard let array = heap.arrays[index], case .objects(let list) = array.elements else { return nil }
            parts = try Self.parts(heap.lists[list], name, heap)
        case .dictionary(let index):
            if Self.isHarmless(heap.dictionaries[index].lazy.map(\.value)) { return nil }
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

    /// The roles' names in dictionaries.
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
