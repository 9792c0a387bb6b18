import Files

/// A class-index map cannot be used.
public enum ClassMapError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The end of a sentence that begins with the file.
    case notText(found: String)
    case malformed(offset: Int, found: String, expected: String)
    case tooMany(limit: Int)
    case empty
    case notAMap
    case notAnIndex(String)
    case missing(index: Int)
    case duplicate(index: Int)
    case unnamed(index: Int)
    case countMismatch(names: Int, outputs: Int)

    public var description: String {
        switch self {
        case .notText(let found): "The class map is not text in UTF-8: it \(found)."
        case .malformed(let offset, let found, let expected):
            "The class map's JSON has \(found) at offset \(offset) where \(expected) is expected."
        case .tooMany(let limit): "The class map has more than \(limit) names."
        case .empty: "The class map names no class."
        case .notAMap:
            #"The class map is none of {"0": "daisy"}, {"daisy": 0}, {"0": ["n11939491", "daisy"]}, ["daisy"] and one name a line."#
        case .notAnIndex(let key): "The class map has \"\(key)\" where an index such as \"0\" is expected."
        case .missing(let index): "The class map names no class \(index); indices run from 0 without a gap."
        case .duplicate(let index): "The class map names class \(index) twice."
        case .unnamed(let index): "The class map has an empty name for class \(index)."
        case .countMismatch(let names, let outputs):
            "The class map names \(names) classes, but the network has "
                + (outputs == 1
                    ? "one output, which takes one name, or two for no and yes."
                    : "\(outputs) outputs; is it another model's map?")
        }
    }
}

extension ClassMapError: JSONFailure {
    package init(_ error: JSONError) {
        self = .malformed(offset: error.offset, found: error.found, expected: error.expected)
    }
}
