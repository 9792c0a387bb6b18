/// What a pickle can put on the stack here.
///
/// Containers are indices into a ``PickleHeap``, so that nothing nests: neither making nor freeing a value recurses,
/// however deep the pickle piles its lists, and a list that contains itself leaks nothing.
enum PickleValue: Sendable {
    case none
    case boolean(Bool)
    case integer(Int)
    case string(String)
    case tuple(Int)
    case list(Int)
    case dictionary(Int)
    case storage(Int)
    case tensor(Int)
    /// Python 3's bytes, or a string of Python 2.
    case bytes(Int)
    /// Text that is too long for a name, left where it lies.
    case longText(Int)
    case arrayType(Int)
    case array(Int)
    case callable(PickleCallable)
    /// Something harmless that no tensor needs: a float, a set, a device.
    case inert

    /// For errors: what the value is.
    var kind: String {
        switch self {
        case .none: "None"
        case .boolean: "a boolean"
        case .integer: "an integer"
        case .string: "a string"
        case .tuple: "a tuple"
        case .list: "a list"
        case .dictionary: "a dictionary"
        case .storage: "a storage"
        case .tensor: "a tensor"
        case .bytes: "bytes"
        case .longText: "a long string"
        case .arrayType: "an array's type"
        case .array: "an array"
        case .callable: "a global"
        case .inert: "a value that no tensor needs"
        }
    }
}
