/// What a pickle can put on the stack here.
///
/// Containers are indices into a ``PickleHeap``, so that nothing nests: neither making nor freeing a value recurses,
/// however deep the pickle piles its lists, and a list that contains itself leaks nothing.
enum PickleValue: Sendable {
    case none
    case boolean(Bool)
    case integer(Int)
    /// A float, or an integer of more than 64 bits.
    case number
    case string(String)
    case tuple(Int)
    case list(Int)
    case dictionary(Int)
    case set
    case storage(Int)
    case tensor(Int)
    /// Python 3's bytes, or a string of Python 2.
    case bytes(Int)
    /// Text that is too long for a name, left where it lies.
    case longText(Int)
    case arrayType(Int)
    case array(Int)
    case callable(PickleCallable)
    /// Whatever Python would make with code; see ``PickleObject``.
    case object(Int)
    /// Text that no tensor's name is.
    case inert

    /// For errors: what the value is.
    var kind: String {
        switch self {
        case .none: "None"
        case .boolean: "a boolean"
        case .integer: "an integer"
        case .number: "a number"
        case .string: "a string"
        case .tuple: "a tuple"
        case .list: "a list"
        case .dictionary: "a dictionary"
        case .set: "a set"
        case .storage: "a storage"
        case .tensor: "a tensor"
        case .bytes: "bytes"
        case .longText: "a long string"
        case .arrayType: "an array's type"
        case .array: "an array"
        case .callable: "a global"
        case .object: "an object"
        case .inert: "text"
        }
    }
}
