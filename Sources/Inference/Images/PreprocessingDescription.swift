/// The value of `"preprocessing"` in `model.json`, before the network's input shape is known.
///
/// It is either a preset's name or an object that lists the steps:
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
/// Every field is optional. By default the colour is RGB, or grey for a network with one input channel. The crop is the
/// network's input, and the image is stretched to the crop. The scale is `unit`, the mean 0 and the deviation 1.
/// Unknown fields and values are errors.
public enum PreprocessingDescription: Sendable, Hashable {
    /// A named preset.
    case preset(Preprocessing.Preset)

    /// Explicit steps.
    case steps(Steps)

    /// The steps in `model.json`; nil for fields that take the default.
    public struct Steps: Sendable, Hashable {
        var colour: Preprocessing.Colour?
        var resize: Preprocessing.Resize?
        var cropHeight: Int?
        var cropWidth: Int?
        var scale: Preprocessing.Scale?
        var mean: [Float]?
        var deviation: [Float]?
    }

    /// Finds a preset by name.
    ///
    /// - Throws: ``PreprocessingError/unknownPreset(found:)``
    public init(preset name: String) throws(PreprocessingError) {
        guard let preset = Preprocessing.Preset(rawValue: name) else { throw .unknownPreset(found: name) }
        self = .preset(preset)
    }
}

extension Preprocessing {
    /// Resolves a description for a network's input.
    ///
    /// - Parameter input: shape `[C, H, W]`.
    /// - Throws: ``PreprocessingError`` if a value is out of range, or if the result does not have the shape `input`.
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
        // By default, the crop may cut a larger image. It must not pad a smaller one, which is probably a mistake.
        if steps.cropHeight == nil, case .stretch(let height, let width) = resize,
            height < outputShape[1] || width < outputShape[2]
        {
            throw .outputMismatch(found: [outputShape[0], height, width], expected: input)
        }
    }
}

extension PreprocessingDescription: Decodable {
    /// Decodes a preset's name or an object of steps.
    ///
    /// - Throws: ``PreprocessingError``
    public init(from decoder: any Decoder) throws {
        if let name = try? decoder.singleValueContainer().decode(String.self) {
            try self.init(preset: name)
            return
        }
        let fields = try Fields(
            decoder, within: "",
            allowed: [
                "colour", "resize", "crop", "scale", "mean", "deviation",
            ])
        var steps = Steps()
        steps.colour = try fields.word("colour")
        steps.scale = try fields.word("scale")
        steps.mean = try fields.numbers("mean")
        steps.deviation = try fields.numbers("deviation")
        if let sides = try fields.crop() { (steps.cropHeight, steps.cropWidth) = sides }
        if let resize = try fields.nested("resize") { steps.resize = try Self.resize(resize) }
        self = .steps(steps)
    }

    private static func resize(_ decoder: any Decoder) throws -> Preprocessing.Resize {
        let all = try Fields(decoder, within: "resize.", allowed: ["mode", "height", "width", "side"])
        let mode: ResizeMode = try all.needed(all.word("mode"), "mode")
        switch mode {
        case .stretch:
            let fields = try Fields(decoder, within: "resize.", allowed: ["mode", "height", "width"])
            return .stretch(
                height: try fields.needed(fields.side("height"), "height"),
                width: try fields.needed(fields.side("width"), "width"))
        case .shortest:
            let fields = try Fields(decoder, within: "resize.", allowed: ["mode", "side"])
            return .shortest(side: try fields.needed(fields.side("side"), "side"))
        }
    }

    private enum ResizeMode: String, CaseIterable { case stretch, shortest }
}

/// Decodes the fields of one JSON object, and refuses unknown fields.
private struct Fields {
    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    private let container: KeyedDecodingContainer<Name>
    private let path: String

    init(_ decoder: any Decoder, within path: String, allowed: [String]) throws(PreprocessingError) {
        guard let container = try? decoder.container(keyedBy: Name.self) else {
            throw path.isEmpty
                ? .wrongType(field: "preprocessing", expected: "a preset's name or an object of steps")
                : .wrongType(field: String(path.dropLast()), expected: "an object")
        }
        self.container = container
        self.path = path
        if let unknown = container.allKeys.map(\.stringValue).sorted().first(where: { !allowed.contains($0) }) {
            throw .unknownField(found: path + unknown, expected: allowed)
        }
    }

    func needed<Value>(_ value: Value?, _ name: String) throws(PreprocessingError) -> Value {
        guard let value else { throw .missingField(field: path + name) }
        return value
    }

    func side(_ name: String) throws(PreprocessingError) -> Int? {
        try value(name, expected: "a whole number of pixels")
    }

    func numbers(_ name: String) throws(PreprocessingError) -> [Float]? {
        try value(name, expected: "an array of numbers")
    }

    func word<Word: RawRepresentable & CaseIterable>(
        _ name: String
    ) throws(PreprocessingError) -> Word? where Word.RawValue == String {
        guard let found: String = try value(name, expected: "a word") else { return nil }
        guard let word = Word(rawValue: found) else {
            throw .unknownValue(field: path + name, found: found, expected: Word.allCases.map(\.rawValue))
        }
        return word
    }

    /// The height and width of the crop, given as the side of a square or as an array of both.
    func crop() throws(PreprocessingError) -> (Int, Int)? {
        let key = Name(stringValue: "crop")
        if let side = try? container.decode(Int.self, forKey: key) { return (side, side) }
        guard let sides: [Int] = try value("crop", expected: "a side, or an array of height and width") else {
            return nil
        }
        guard sides.count == 2 else {
            throw .wrongType(field: "crop", expected: "a side, or an array of height and width")
        }
        return (sides[0], sides[1])
    }

    func nested(_ name: String) throws -> (any Decoder)? {
        let key = Name(stringValue: name)
        return container.contains(key) ? try container.superDecoder(forKey: key) : nil
    }

    private func value<Value: Decodable>(
        _ name: String, expected: String
    ) throws(PreprocessingError) -> Value? {
        let key = Name(stringValue: name)
        guard container.contains(key) else { return nil }
        guard let value = try? container.decode(Value.self, forKey: key) else {
            throw .wrongType(field: path + name, expected: expected)
        }
        return value
    }
}

/// Why a preprocessing description is invalid.
public enum PreprocessingError: Error, Equatable, Sendable {
    /// No preset has this name.
    case unknownPreset(found: String)

    /// The object has an unknown field; `expected` lists the valid ones.
    case unknownField(found: String, expected: [String])

    /// A required field is missing.
    case missingField(field: String)

    /// A field has the wrong JSON type; `expected` names the right one.
    case wrongType(field: String, expected: String)

    /// A field has an unknown value; `expected` lists the valid ones.
    case unknownValue(field: String, found: String, expected: [String])

    /// A side is below 1 or above `limit`. Units: pixels.
    case sideOutOfRange(field: String, found: Int, limit: Int)

    /// The length of `mean` or `deviation` is not the number of channels.
    case valueCount(field: String, found: Int, expected: Int)

    /// A number is infinite or NaN as float32.
    case notFinite(field: String)

    /// A deviation is zero; normalisation would divide by it.
    case zeroDeviation

    /// The network's input is not an image of 1 or 3 channels with sides within ``Preprocessing/maxSide``.
    case unsupportedInput(Shape)

    /// The output shape of the steps is not the network's input shape.
    case outputMismatch(found: Shape, expected: Shape)
}

extension PreprocessingError: CustomStringConvertible {
    /// One plain sentence: what was found, and what is accepted.
    public var description: String {
        switch self {
        case .unknownPreset(let found):
            "There is no preprocessing preset '\(found)'; the presets are "
                + Self.list(Preprocessing.Preset.allCases.map(\.rawValue)) + "."
        case .unknownField(let found, let expected):
            "The preprocessing has no field '\(found)'; its fields here are \(Self.list(expected))."
        case .missingField(let field):
            "The preprocessing's field '\(field)' is missing."
        case .wrongType(let field, let expected):
            "The preprocessing's '\(field)' must be \(expected)."
        case .unknownValue(let field, let found, let expected):
            "The preprocessing's '\(field)' cannot be '\(found)'; it is one of \(Self.list(expected))."
        case .sideOutOfRange(let field, let found, let limit):
            "The preprocessing's '\(field)' is \(found) pixels; it must be 1 to \(limit)."
        case .valueCount(let field, let found, let expected):
            "The preprocessing's '\(field)' has \(found) numbers; it needs \(expected), one for each channel."
        case .notFinite(let field):
            "The preprocessing's '\(field)' contains a number that is not finite as float32."
        case .zeroDeviation:
            "The preprocessing's 'deviation' contains a zero; normalisation divides by it."
        case .unsupportedInput(let shape):
            "The network's input \(shape) is not an image: it must be [1 or 3, height, width] of at most "
                + "\(Preprocessing.maxSide) pixels a side."
        case .outputMismatch(let found, let expected):
            "The preprocessing produces the shape \(found), but the network's input is \(expected)."
        }
    }

    private static func list(_ words: [String]) -> String { words.joined(separator: ", ") }
}
