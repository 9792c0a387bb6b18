/// What `model.json` says under `"preprocessing"`, before the network's input is known.
///
/// Either a preset's name, or an object that spells out the steps:
///
///     "preprocessing": "imagenet"
///
///     "preprocessing": {
///         "colour": "rgb",                                  // "rgb", "bgr" or "grey"
///         "resize": {"mode": "shortest", "side": 256},      // or {"mode": "stretch", "height": 224, "width": 224}
///         "crop": 224,                                      // or [height, width]
///         "scale": "unit",                                  // "unit": 0…1; "byte": 0…255
///         "mean": [0.485, 0.456, 0.406],                    // one number a channel, in the order of "colour"
///         "deviation": [0.229, 0.224, 0.225]
///     }
///
/// Every field can be left out: colour is then RGB, or grey for a network of one channel; the picture is stretched to the
/// crop; the crop is the network's input; the scale is `unit`, the mean 0 and the deviation 1. Unknown fields and words
/// are refused.
public enum PreprocessingDescription: Sendable, Hashable {
    /// One of the named ways.
    case preset(Preprocessing.Preset)

    /// One after the other.
    case steps(Steps)

    /// The steps that are spelled out; nil for those that are not.
    public struct Steps: Sendable, Hashable {
        var colour: Preprocessing.Colour?
        var resize: Preprocessing.Resize?
        var cropHeight: Int?
        var cropWidth: Int?
        var scale: Preprocessing.Scale?
        var mean: [Float]?
        var deviation: [Float]?
    }

    /// A preset by its name.
    ///
    /// - Throws: ``PreprocessingError/unknownPreset(found:)``
    public init(preset name: String) throws(PreprocessingError) {
        guard let preset = Preprocessing.Preset(rawValue: name) else { throw .unknownPreset(found: name) }
        self = .preset(preset)
    }
}

extension Preprocessing {
    /// Follows a description for a network's input.
    ///
    /// - Parameter input: `[C, H, W]`
    /// - Throws: ``PreprocessingError`` where the description is out of range, or does not end in the network's input.
    public init(_ description: PreprocessingDescription, input: Shape) throws(PreprocessingError) {
        switch description {
        case .preset(let preset): try self.init(preset, input: input)
        case .steps(let steps): try self.init(steps, input: input)
        }
    }

    private init(_ steps: PreprocessingDescription.Steps, input: Shape) throws(PreprocessingError) {
        let usual = try Preprocessing(.unit, input: input)
        let crop = (height: steps.cropHeight ?? input[1], width: steps.cropWidth ?? input[2])
        let colour = steps.colour ?? usual.colour
        func each(_ value: Float) -> [Float] { [Float](repeating: value, count: colour.channelCount) }
        try self.init(
            colour: colour, resize: steps.resize ?? .stretch(height: crop.height, width: crop.width), crop: crop,
            scale: steps.scale ?? usual.scale, mean: steps.mean ?? each(0), deviation: steps.deviation ?? each(1))
        guard outputShape == input else { throw .outputMismatch(found: outputShape, expected: input) }
        // A crop that nobody asked for takes the centre of a larger image, and adds no border to a smaller one.
        if steps.cropHeight == nil, case .stretch(let height, let width) = resize,
            height < outputShape[1] || width < outputShape[2]
        {
            throw .outputMismatch(found: [outputShape[0], height, width], expected: input)
        }
    }
}
