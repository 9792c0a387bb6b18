extension Preprocessing {
    /// The ways of preprocessing that published networks were trained with.
    public enum Preset: String, CaseIterable, Sendable {
        /// Stretch to the network's input, mean and deviation 0.5: the tutorials' AlexNet.
        case stretch

        /// Shortest side 256, centre crop 224, ImageNet's mean and deviation: torchvision. Other inputs than 224 pixels are
        /// cropped in the same proportion, 8 to 7.
        case imagenet

        /// Stretch to the network's input, BGR, minus 104, 117, 124, not scaled: Caffe.
        case caffe

        /// Stretch to the network's input, 0…1, not normalised.
        case unit
    }

    /// A preset for a network's input.
    ///
    /// A network of one channel gets grey pictures; where the preset has a number for each colour, it gets their average.
    /// - Parameter input: `[C, H, W]`
    /// - Throws: ``PreprocessingError/unsupportedInput(_:)`` where that is no picture of 1 or 3 channels.
    public init(_ preset: Preset, input: Shape) throws(PreprocessingError) {
        guard input.rank == 3, input[0] == 1 || input[0] == 3, (1...Self.maxSide).contains(input[1]),
            (1...Self.maxSide).contains(input[2])
        else { throw .unsupportedInput(input) }
        let isGrey = input[0] == 1
        let crop = (height: input[1], width: input[2])
        let stretch = Resize.stretch(height: crop.height, width: crop.width)
        let colour: Colour = isGrey ? .grey : .rgb
        func each(_ value: Float) -> [Float] { [Float](repeating: value, count: input[0]) }
        switch preset {
        case .stretch:
            try self.init(
                colour: colour, resize: stretch, crop: crop, scale: .unit, mean: each(0.5), deviation: each(0.5))
        case .imagenet:
            let side = min((max(crop.height, crop.width) * 8 + 3) / 7, Self.maxSide)
            try self.init(
                colour: colour, resize: .shortest(side: side), crop: crop, scale: .unit,
                mean: isGrey ? [0.449] : [0.485, 0.456, 0.406],
                deviation: isGrey ? [0.226] : [0.229, 0.224, 0.225])
        case .caffe:
            try self.init(
                colour: isGrey ? .grey : .bgr, resize: stretch, crop: crop, scale: .byte,
                mean: isGrey ? [115] : [104, 117, 124], deviation: each(1))
        case .unit:
            try self.init(
                colour: colour, resize: stretch, crop: crop, scale: .unit, mean: each(0), deviation: each(1))
        }
    }

    /// A preset for a network's input that is known to be a picture.
    ///
    /// - Precondition: `input` is `[1 or 3, H, W]` within ``maxSide``; shapes that come from a file go through
    ///   ``init(_:input:)-(Preset,_)``, which throws.
    public static func preset(_ preset: Preset, input: Shape) -> Preprocessing {
        do {
            return try Preprocessing(preset, input: input)
        } catch {
            preconditionFailure("\(error)")
        }
    }
}
