/// The sizes of an AlexNet that its tensors do not determine.
///
/// Different sizes give the same grid before the first linear layer. With an 11×11 kernel and stride 4, both 224×224
/// with padding 2 and 227×227 without padding become 55×55. 224×224 becomes 54×54 both with padding 0 and with padding
/// 1.
struct AlexNetGeometry: Equatable {
    /// The size of the network's input. Units: pixels.
    var input: Size2d
    /// Stride of the first convolution. Units: pixels.
    var stride: Int
    /// Padding of the first convolution. Units: pixels.
    var padding: Int
    /// Side of the square windows of all poolings, whose stride is 2. Units: pixels.
    var poolSize: Int

    init(_ extent: Int, stride: Int, padding: Int, poolSize: Int) {
        input = Size2d(square: extent)
        self.stride = stride
        self.padding = padding
        self.poolSize = poolSize
    }

    /// The published or taught geometries of a form, the likeliest first.
    static func published(_ form: AlexNet.Form) -> [Self] {
        let padded = Self(224, stride: 4, padding: 2, poolSize: 3)
        let large = Self(227, stride: 4, padding: 0, poolSize: 3)
        let unpadded = Self(224, stride: 4, padding: 0, poolSize: 3)
        let d2l = Self(224, stride: 4, padding: 1, poolSize: 3)
        return switch form {
        case .halfWidth, .torchvision: [padded, large]
        case .paper, .oneTower, .batchNormalized: [large, padded]
        case .oneChannel: [unpadded, d2l]
        case .d2l: [d2l, unpadded]
        case .cifar:
            [
                Self(32, stride: 2, padding: 1, poolSize: 2), Self(32, stride: 1, padding: 1, poolSize: 2),
                Self(64, stride: 2, padding: 1, poolSize: 2), Self(32, stride: 1, padding: 1, poolSize: 3),
                Self(28, stride: 1, padding: 1, poolSize: 2),
            ]
        case .cifarLargeKernel: [Self(32, stride: 4, padding: 5, poolSize: 2)]
        }
    }

    /// The size of the feature maps before the first linear layer; nil if a window does not fit.
    func grid(_ form: AlexNet.Form) -> Size2d? {
        let kernelSizes = form.kernelSizes
        let first = Window(
            kernelSize: Size2d(square: kernelSizes[0]), stride: Size2d(square: stride),
            padding: Size2d(square: padding))
        let pool = Window(kernelSize: Size2d(square: poolSize), stride: 2)
        // The other convolutions keep the size of their feature maps.
        return first.outputSize(for: input).flatMap(pool.outputSize).flatMap(pool.outputSize)
            .flatMap(pool.outputSize)
    }

    /// The geometries that fit the checkpoint and the options, the likeliest first.
    static func fitting(
        _ form: AlexNet.Form, _ parameters: ParameterSet, _ options: ArchitectureOptions
    ) -> [Self] {
        guard let linear = parameters.linears.first?.weight.shape, linear.rank == 2,
            let channels = parameters.convolutions.last?.weight.shape[0], channels > 0,
            let width = parameters.convolutions.first?.weight.shape[0]
        else { return [] }
        func fitting(_ options: ArchitectureOptions) -> [Self] {
            candidates(form, width: width, options).filter { candidate in
                guard let grid = candidate.grid(form) else { return false }
                return form == .torchvision || channels * grid.height * grid.width == linear[1]
            }
        }
        guard options.inputSize == nil, let size = options.preprocessedSize else { return fitting(options) }
        var sized = options
        sized.inputSize = size
        let found = fitting(sized).filter { form == .torchvision || published(form).contains($0) }
        // If the preprocessing's size fits no geometry, it is ignored here: later steps crop to the network's input, or
        // report the error.
        return found.isEmpty ? fitting(options) : found
    }

    /// The published geometries that agree with the options, followed by the others with the options' values in place
    /// of their own.
    private static func candidates(
        _ form: AlexNet.Form, width: Int, _ options: ArchitectureOptions
    ) -> [Self] {
        var published = published(form)
        // Networks with torchvision's widths, or with half of the paper's, have torchvision's padding, even if they
        // have normalisation layers.
        if form == .oneTower || form == .batchNormalized, width != form.widths[0] { published.reverse() }
        let overridden = published.map { candidate in
            var candidate = candidate
            candidate.input = options.inputSize ?? candidate.input
            candidate.padding = options.padding ?? candidate.padding
            candidate.poolSize = options.poolSize ?? candidate.poolSize
            return candidate
        }
        var found = zip(published, overridden).filter { $0 == $1 }.map(\.0)
        for candidate in overridden where !found.contains(candidate) { found.append(candidate) }
        return found
    }

    /// The likeliest geometry that fits the checkpoint and the options.
    ///
    /// - Throws: ``CheckpointError/unsuitableInput(reason:)`` if none gives the first linear layer as many inputs as it
    ///   has.
    static func geometry(
        of form: AlexNet.Form, _ parameters: ParameterSet, _ options: ArchitectureOptions
    ) throws(CheckpointError) -> Self {
        if let geometry = fitting(form, parameters, options).first { return geometry }
        guard let linear = parameters.linears.first, let last = parameters.convolutions.last,
            let first = parameters.convolutions.first,
            let candidate = candidates(form, width: first.weight.shape[0], options).first
        else { throw CheckpointError.differs(parameters, from: form) }
        let shape = linear.weight.shape
        let what =
            "with an input of \(candidate.input) and a padding of \(candidate.padding) in \"\(first.name)\" "
        guard let grid = candidate.grid(form) else {
            throw .unsuitableInput(
                reason: what + "the maps become smaller than a window; say \"input_size\" in model.json")
        }
        throw .unsuitableInput(
            reason: what + "the last maps have \(last.weight.shape[0])·\(grid.height)·\(grid.width) = "
                + "\(last.weight.shape[0] * grid.height * grid.width) numbers, and \"\(linear.name)\" takes "
                + "\(shape.rank == 2 ? shape[1] : 0); say \"input_size\", \"padding\" or \"pool_size\" in model.json")
    }
}

extension AlexNet.Form {
    package func assumptions(
        about network: Network, _ parameters: ParameterSet, options: ArchitectureOptions
    ) -> [Assumption] {
        var assumptions: [Assumption] = []
        let fitting = AlexNetGeometry.fitting(self, parameters, options)
        let isKnown = (self == .halfWidth || self == .torchvision) && hasPublishedWidths(parameters)
        if let taken = fitting.first, fitting.count > 1, !options.isNamed, !isKnown {
            assumptions.append(geometryAssumption(taken, others: fitting.dropFirst()))
        }
        if let assumption = normalizationAssumption(parameters, options) { assumptions.append(assumption) }
        if !options.isNamed { assumptions += network.gapAssumptions(line: "\"architecture\": \"\(name)\"") }
        return assumptions
    }

    private func geometryAssumption(
        _ taken: AlexNetGeometry, others: ArraySlice<AlexNetGeometry>
    ) -> Assumption {
        func text(_ geometry: AlexNetGeometry) -> String {
            var text = "an input of \(geometry.input) with padding \(geometry.padding)"
            if others.contains(where: { $0.stride != taken.stride }) { text += " and stride \(geometry.stride)" }
            if others.contains(where: { $0.poolSize != taken.poolSize }) {
                text += " and pooling windows of \(geometry.poolSize)"
            }
            return text
        }
        let alternatives = others.map(text).joined(separator: ", or ")
        let sizes = others.contains { $0.input != taken.input }
        let line =
            sizes
            ? "\"input_size\": \(taken.input.height), \"padding\": \(taken.padding)" : "\"padding\": \(taken.padding)"
        return Assumption(
            "the first convolution is taken to have \(text(taken)); \(alternatives) fits the same tensors",
            line: "\(line) (or what is right)")
    }

    private func normalizationAssumption(_ parameters: ParameterSet, _ options: ArchitectureOptions) -> Assumption? {
        guard options.localResponseNorm == .usual else { return nil }
        let room = AlexNet.hasRoomForNormalization(parameters)
        switch self {
        case .paper:
            // These are the names of Caffe's weights, which were trained with Caffe's values.
            if parameters["conv1"] != nil, parameters["fc8"] != nil { return nil }
            return Assumption(
                "local response normalisation is taken to be Caffe's (alpha 1e-4 divided by 5, k 1); TensorFlow's ports and "
                    + "the paper (k 2) have other values",
                line: #""local_response_norm": {"k": 1, "alpha": 1e-4, "convention": "caffe"} (or what is right)"#)
        case .oneTower where room == true:
            return Assumption(
                "the names leave room for local response normalisations behind the first two ReLUs, which are taken to be "
                    + "LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=2)",
                line: #""local_response_norm": {"k": 2} (or what is right; false for none)"#)
        case .oneTower where room == nil:
            let has = normalization(parameters, options) != nil
            return Assumption(
                "the network is taken to have \(has ? "" : "no ")local response normalisation behind its first two ReLUs; "
                    + "its tensors are the same \(has ? "without" : "with") one",
                line: #""local_response_norm": false (or {"k": 2})"#)
        default: return nil
        }
    }
}
