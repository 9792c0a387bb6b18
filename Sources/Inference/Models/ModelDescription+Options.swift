extension ModelDescription {
    /// What the description says about its network beside the tensors.
    ///
    /// - Throws: ``ModelError/description(_:)`` with the value that is not known.
    func makeOptions() throws(ModelError) -> ArchitectureOptions {
        var options = ArchitectureOptions()
        options.localResponseNorm = try makeLocalResponseNorm()
        options.activation = try choice(activation, of: "activation")
        options.pooling = try choice(pooling, of: "pooling")
        options.transformsInput = transformInput ?? false
        return options
    }

    private func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String?, of key: String
    ) throws(ModelError) -> Choice? where Choice.RawValue == String {
        guard let name else { return nil }
        guard let choice = Choice(rawValue: name) else {
            throw ModelError.description(
                "\(key) is \"\(name)\"; known are " + Choice.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return choice
    }

    /// - Throws: ``ModelError/description(_:)`` for an option that the network has not: nobody would read it.
    func checkOptions(of architecture: any Architecture) throws(ModelError) {
        let said: [(ArchitectureOptions.Key, Bool)] = [
            (.activation, activation != nil), (.pooling, pooling != nil), (.transformInput, transformInput != nil),
        ]
        for (key, isSaid) in said where isSaid && !architecture.options.contains(key) {
            let takers = Architectures.all.filter { $0.options.contains(key) }.map(\.name)
            throw ModelError.description(
                "\(key.rawValue) is for \(takers.joined(separator: ", ")); the network is \(architecture.name)")
        }
    }
}
