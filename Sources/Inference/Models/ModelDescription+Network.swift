extension ModelDescription {
    /// What the description says about its network beside the tensors.
    ///
    /// - Parameter preprocessing: what is said about it; where it crops or stretches, it tells the network's input.
    /// - Throws: ``ModelError/description(_:)`` with the value that is not known.
    func makeOptions(_ preprocessing: PreprocessingDescription?) throws(ModelError) -> ArchitectureOptions {
        var options = ArchitectureOptions()
        options.localResponseNorm = try localResponseNorm?.option() ?? .usual
        options.activation = try choice(activation, of: "activation")
        options.pooling = try choice(pooling, of: "pooling")
        options.transformsInput = transformInput
        options.padding = try checked(padding, of: "padding", 0...16)
        options.poolSize = try checked(poolSize, of: "pool_size", 1...16)
        options.inputSize = try inputSize?.checked()
        options.preprocessedSize = preprocessing?.inputSize
        options.isNamed = architecture != nil
        return options
    }

    private func checked(
        _ value: Int?, of key: String, _ range: ClosedRange<Int>
    ) throws(ModelError) -> Int? {
        guard let value else { return nil }
        guard range.contains(value) else {
            throw ModelError.description("\(key) is \(value); it takes \(range.lowerBound) to \(range.upperBound)")
        }
        return value
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
            (.padding, padding != nil), (.inputSize, inputSize != nil), (.poolSize, poolSize != nil),
            (.localResponseNorm, localResponseNorm != nil),
        ]
        for (key, isSaid) in said where isSaid && !architecture.options.contains(key) {
            let takers = Architectures.all.filter { $0.options.contains(key) }.map(\.name)
            throw ModelError.description(
                "\(key.rawValue) is for \(takers.joined(separator: ", ")); the network is \(architecture.name)")
        }
    }
}

extension PreprocessingDescription {
    /// The size in which the steps end, where they say one; nil leaves it to the network.
    var inputSize: Size2d? {
        guard case .steps(let steps) = self else { return nil }
        if let height = steps.cropHeight, let width = steps.cropWidth { return Size2d(height: height, width: width) }
        if case .stretch(let height, let width)? = steps.resize { return Size2d(height: height, width: width) }
        return nil
    }
}
