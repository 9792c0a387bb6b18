/// The parts of `model.json` that describe the network.
extension ModelDescription {
    /// Converts the description to the options of an architecture.
    ///
    /// - Parameter preprocessing: the described preprocessing; if it crops or stretches, it implies the input's size.
    /// - Throws: ``ModelError/description(_:)`` for a value that is unknown or out of range.
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

    /// Checks that every given option applies to the architecture.
    ///
    /// - Throws: ``ModelError/description(_:)`` for an option that would have no effect.
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

    /// Checks that the output activation fits the number of outputs.
    ///
    /// - Throws: ``ModelError/description(_:)`` if it does not.
    func checkOutput(count: Int) throws(ModelError) {
        if output == .softmax, count == 1 {
            throw ModelError.description(
                "output is \"softmax\", which is 1 for every image where the network has one output; say \"sigmoid\"")
        }
        if output == .sigmoid, count > 1 {
            throw ModelError.description(
                "output is \"sigmoid\", which is for networks of one output; this one has \(count)")
        }
    }

    /// The algorithms that the description prescribes, by the layer's name.
    ///
    /// - Throws: ``ModelError/description(_:)`` for an unknown layer, or for an algorithm that the layer does not have.
    func checkedAlgorithms(for network: Network) throws(ModelError) -> [String: String] {
        for (node, algorithm) in (algorithms ?? [:]).sorted(by: { $0.key < $1.key }) {
            guard let known = network.algorithmNames(of: node), !known.isEmpty else {
                throw ModelError.description(
                    "algorithms names the layer \"\(node)\"; the network has "
                        + network.nodes.map(\.name).filter { network.algorithmNames(of: $0)?.isEmpty == false }
                        .joined(separator: ", "))
            }
            guard known.contains(algorithm) else {
                throw ModelError.description(
                    "algorithms.\(node) is \"\(algorithm)\"; known there are \(known.joined(separator: ", "))")
            }
        }
        return algorithms ?? [:]
    }
}

extension ModelDescription {
    /// The size of the network's input: one number for a square, or `[height, width]`.
    public struct InputSizeDescription: Sendable, Decodable {
        /// The number of rows. Units: pixels.
        let height: Int
        /// The number of columns. Units: pixels.
        let width: Int

        public init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let extent = try? container.decode(Int.self) {
                (height, width) = (extent, extent)
                return
            }
            let extents = try container.decode([Int].self)
            guard extents.count == 2 else {
                throw ModelError.description(
                    "input_size takes one number or [height, width], not \(extents.count) numbers")
            }
            (height, width) = (extents[0], extents[1])
        }

        func checked() throws(ModelError) -> Size2d {
            let range = 1...Preprocessing.maxSide
            guard range.contains(height), range.contains(width) else {
                throw ModelError.description("input_size takes 1 to \(range.upperBound) pixels a side")
            }
            return Size2d(height: height, width: width)
        }
    }

    /// The parameters of ``LocalResponseNorm``. Missing ones take the architecture's values.
    public struct LocalResponseNormDescription: Sendable, Decodable {
        /// The number of channels in the window. Units: channels.
        public var size: Int?
        /// The factor of the squares; see ``LocalResponseNorm/Convention``.
        public var alpha: Float?
        /// The exponent of the denominator.
        public var beta: Float?
        /// The constant k of the denominator, above 0.
        public var k: Float?
        /// `caffe` or `tensorflow`; see ``LocalResponseNorm/Convention``.
        public var convention: String?

        /// False if the value is `false`: the network has no local response normalisation.
        private let isPresent: Bool

        fileprivate enum CodingKeys: String, CodingKey, CaseIterable { case size, alpha, beta, k, convention }

        public init(from decoder: any Decoder) throws {
            if let isPresent = try? decoder.singleValueContainer().decode(Bool.self) {
                self.isPresent = isPresent
                return
            }
            isPresent = true
            try UnknownKey.refuse(in: decoder, known: CodingKeys.allCases.map(\.rawValue))
            let values = try decoder.container(keyedBy: CodingKeys.self)
            size = try values.decodeIfPresent(Int.self, forKey: .size)
            alpha = try values.decodeIfPresent(Float.self, forKey: .alpha)
            beta = try values.decodeIfPresent(Float.self, forKey: .beta)
            k = try values.decodeIfPresent(Float.self, forKey: .k)
            convention = try values.decodeIfPresent(String.self, forKey: .convention)
        }

        /// The normalisation as an option of the architecture.
        ///
        /// - Throws: ``ModelError/description(_:)`` for a value that is out of range.
        func option() throws(ModelError) -> ArchitectureOptions.Normalization {
            guard isPresent else { return .none }
            let convention = try convention.map { name throws(ModelError) in
                guard let convention = LocalResponseNorm.Convention(rawValue: name) else {
                    throw ModelError.description(
                        "local_response_norm.convention is \"\(name)\"; \"caffe\" and \"tensorflow\" are known")
                }
                return convention
            }
            guard 1...1024 ~= size ?? 5, (alpha ?? 0).isFinite, alpha ?? 0 >= 0, (beta ?? 0).isFinite,
                (k ?? 1).isFinite,
                k ?? 1 > 0
            else {
                throw ModelError.description(
                    "local_response_norm wants a size of 1 to 1024, alpha of 0 or more, k above 0 and a finite beta")
            }
            return .described(
                LocalResponseNormParameters(size: size, alpha: alpha, beta: beta, k: k, convention: convention))
        }
    }
}

extension PreprocessingDescription {
    /// The image size after all steps; nil if they leave it to the network. Units: pixels.
    var inputSize: Size2d? {
        guard case .steps(let steps) = self else { return nil }
        if let height = steps.cropHeight, let width = steps.cropWidth { return Size2d(height: height, width: width) }
        if case .stretch(let height, let width)? = steps.resize { return Size2d(height: height, width: width) }
        return nil
    }
}
