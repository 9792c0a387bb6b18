/// A class-index map cannot be used.
public enum ClassMapError: Error, Equatable, Sendable, CustomStringConvertible {
    case notUTF8
    case empty
    case notAMap
    case notAnIndex(String)
    case missing(index: Int)
    case duplicate(index: Int)
    case unnamed(index: Int)
    case countMismatch(names: Int, outputs: Int)

    public var description: String {
        switch self {
        case .notUTF8: "The class map is not UTF-8 text."
        case .empty: "The class map names no class."
        case .notAMap:
            #"The class map is none of {"0": "daisy"}, {"daisy": 0}, ["daisy"] and one name a line."#
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
