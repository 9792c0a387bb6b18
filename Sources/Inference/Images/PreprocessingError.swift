/// Why a description of the preprocessing cannot be followed.
public enum PreprocessingError: Error, Equatable, Sendable {
    /// A name that no preset has.
    case unknownPreset(found: String)

    /// A field that does not exist.
    case unknownField(found: String, expected: [String])

    /// A field that is needed is absent.
    case missingField(field: String)

    /// A field of another type than is expected; `expected` says which.
    case wrongType(field: String, expected: String)

    /// A word that a field does not know.
    case unknownValue(field: String, found: String, expected: [String])

    /// A side that is not positive or too long. Units: pixels.
    case sideOutOfRange(field: String, found: Int, limit: Int)

    /// Not one number for each channel.
    case valueCount(field: String, found: Int, expected: Int)

    /// A number that is infinite or none.
    case notFinite(field: String)

    /// The deviation divides, so it cannot be zero.
    case zeroDeviation

    /// The network's input is no picture of 1 or 3 channels within the limits.
    case unsupportedInput(Shape)

    /// The steps end in another shape than the network's input.
    case outputMismatch(found: Shape, expected: Shape)
}

extension PreprocessingError: CustomStringConvertible {
    /// One plain sentence: what was found, and what would be right.
    public var description: String {
        switch self {
        case .unknownPreset(let found):
            "There is no preprocessing preset '\(found)'; the presets are "
                + Self.list(Preprocessing.Preset.allCases.map(\.rawValue)) + "."
        case .unknownField(let found, let expected):
            "The preprocessing has no field '\(found)'; its fields here are \(Self.list(expected))."
        case .missingField(let field):
            "The preprocessing lacks its field '\(field)'."
        case .wrongType(let field, let expected):
            "The preprocessing's '\(field)' must be \(expected)."
        case .unknownValue(let field, let found, let expected):
            "The preprocessing's '\(field)' cannot be '\(found)'; it is one of \(Self.list(expected))."
        case .sideOutOfRange(let field, let found, let limit):
            "The preprocessing's '\(field)' is \(found) pixels; it must be 1 to \(limit)."
        case .valueCount(let field, let found, let expected):
            "The preprocessing's '\(field)' has \(found) numbers; it needs \(expected), one for each channel."
        case .notFinite(let field):
            "The preprocessing's '\(field)' holds a number that is not finite as float32."
        case .zeroDeviation:
            "The preprocessing's 'deviation' holds a zero, by which nothing can be divided."
        case .unsupportedInput(let shape):
            "The network's input \(shape) is no picture: it must be [1 or 3, height, width] of at most "
                + "\(Preprocessing.maxSide) pixels a side."
        case .outputMismatch(let found, let expected):
            "The preprocessing ends in \(found), but the network's input is \(expected)."
        }
    }

    private static func list(_ words: [String]) -> String { words.joined(separator: ", ") }
}
