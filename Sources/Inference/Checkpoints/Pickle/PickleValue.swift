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
    case callable(PickleCallable)
    /// Something harmless that no tensor needs: a float, bytes, a set, a device.
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
        case .callable: "a global"
        case .inert: "a value that no tensor needs"
        }
    }
}
