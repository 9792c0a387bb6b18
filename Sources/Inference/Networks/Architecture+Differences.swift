extension Architecture {
    /// What a checkpoint has otherwise than the published form; its number of classes and a grey input are no difference.
    func differences(from parameters: ParameterSet) -> [CheckpointError] {
        let found = counted(parameters)
        let shapes = Dictionary(found.map { ($0.name, $0.shape) }) { first, _ in first }
        let expected = expected(beside: shapes)
        var differences: [CheckpointError] = []
        for (name, shape) in expected {
            if let other = shapes[name] {
                if other != shape { differences.append(.shapeMismatch(name: name, found: other, expected: shape)) }
            } else {
                differences.append(.missingTensor(name: name, expected: shape))
            }
        }
        let names = Set(expected.map(\.name))
        for (name, shape) in found where !names.contains(name) {
            differences.append(.unexpectedTensor(name: name, shape: shape))
        }
        return differences
    }

    /// How much a checkpoint has in common with the published form: 1 for the same names and shapes, half of it for the same
    /// shapes under other names.
    func closeness(to parameters: ParameterSet) -> Double {
        let found = counted(parameters)
        let shapes = Dictionary(found.map { ($0.name, $0.shape) }) { first, _ in first }
        let expected = expected(beside: shapes)
        var available: [Shape: Int] = [:]
        for (_, shape) in found { available[shape, default: 0] += 1 }
        var score = 0
        for (name, shape) in expected {
            if shapes[name] == shape { score += 1 }
            if let count = available[shape], count > 0 {
                available[shape] = count - 1
                score += 1
            }
        }
        return Double(score) / Double(max(expected.count + found.count, 1))
    }

    private func counted(_ parameters: ParameterSet) -> [(name: String, shape: Shape)] {
        parameters.shapes.filter { tensor in !ignoredPrefixes.contains { tensor.name.hasPrefix($0) } }
    }

    /// The published form with a file's own number of classes and of input channels.
    private func expected(beside found: [String: Shape]) -> [(name: String, shape: Shape)] {
        let published = tensorShapes(inputChannels: inputShape[0], classCount: 1000)
        guard let first = published.first?.name, let last = published.dropLast().last?.name else { return published }
        let channels = found[first].flatMap { $0.rank == 4 && [1, 3].contains($0[1]) ? $0[1] : nil }
        let classCount = found[last].flatMap { $0.rank == 2 && $0[0] > 0 ? $0[0] : nil }
        return tensorShapes(inputChannels: channels ?? inputShape[0], classCount: classCount ?? 1000)
    }
}

extension CheckpointError {
    /// That a checkpoint is not what `model.json` says it is.
    static func differs(_ parameters: ParameterSet, from architecture: some Architecture) -> Self {
        let differences = architecture.differences(from: parameters)
        return .fitsNoArchitecture(
            closest: architecture.name, differences: Array(differences.prefix(toldCount)), count: differences.count)
    }

    /// How many differences are told.
    private static var toldCount: Int { 4 }
}

extension [(name: String, shape: Shape)] {
    /// The tensors of a batch normalisation.
    static func normalization(_ name: String, channels: Int) -> Self {
        ["weight", "bias", "running_mean", "running_var"].map { ("\(name).\($0)", [channels]) }
    }
}
