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

/// Something that Python would have made with code: an instance of a class, or a function's result. Here it is a name, which
/// nothing can call, and a dictionary where it is used as one.
struct PickleObject: Sendable {
    /// The class or the function, as `argparse.Namespace`.
    let name: String
    /// Whether the name is that of a class.
    var isInstance: Bool
    /// Where the pickle makes it. Units: bytes.
    let offset: Int
    /// The entries of a dictionary's subclass, such as Lightning's `AttributeDict`.
    var dictionary: Int?

    /// For errors: what the object is.
    var kind: String {
        isInstance
            ? "an object of class \(Self.shortened(name))" : "what \(Self.shortened(name)) returns"
    }

    /// A name from the file, short enough for a sentence.
    static func shortened(_ name: String) -> String {
        let scalars = name.unicodeScalars
        return scalars.count > 100 ? "\(String.UnicodeScalarView(scalars.prefix(100)))…" : name
    }

    /// Whether a name looks like that of a class: Python's style guide has them begin with a capital.
    static func isClass(_ name: String) -> Bool {
        name.unicodeScalars.split(separator: ".").last?.first?.properties.isUppercase ?? false
    }
}

/// Bytes that a pickle holds, left where they lie in it.
struct PickledBytes: Sendable {
    let region: ByteRegion
    /// The same as text, where they are UTF-8 and short enough for a name. It is made once, however often it is referred to.
    let text: String?

    /// No name of a tensor is longer. Units: bytes.
    static let maxTextByteCount = 1 << 14

    init(_ region: ByteRegion) {
        self.region = region
        text = region.count <= Self.maxTextByteCount ? region.text : nil
    }
}

/// The memory that tensors share, as a pickle names it.
struct PickledStorage: Sendable, Equatable {
    /// PyTorch's name for its elements: `float32`, `int64`.
    let scalarName: String
    /// The record that holds the bytes: `0` for `data/0`.
    let key: String
    let elementCount: Int
    /// The part that is meant, where the older form keeps one storage as a view of another. Units: elements.
    var view: Range<Int>?
}

/// A view of a storage, as a pickle describes it: nothing here is checked against the storage yet.
struct PickledTensor: Sendable, Equatable {
    let storage: PickledStorage
    /// Units: elements.
    let offset: Int
    let extents: [Int]
    /// Units: elements.
    let strides: [Int]
    /// PyTorch's name for its elements where the storage does not say it: `float8_e4m3fn`.
    var ownScalarName: String?

    /// PyTorch's name for its elements: `float32`, `int64`.
    var scalarName: String { ownScalarName ?? storage.scalarName }
}

extension PickledTensor {
    /// The tensor as a checked view of its storage's bytes.
    func stored(
        as name: String, scalarType: ScalarType, storage bytes: ByteRegion
    ) throws(CheckpointError) -> StoredTensor {
        var bytes = bytes
        if let view = storage.view {
            let size = scalarType.byteCount
            let (start, startOverflow) = view.lowerBound.multipliedReportingOverflow(by: size)
            let (count, countOverflow) = view.count.multipliedReportingOverflow(by: size)
            guard !startOverflow, !countOverflow, let part = bytes.part(from: start, count: count) else {
                throw .outOfBounds(
                    name: name, lastElement: view.upperBound - 1, storageElementCount: bytes.count / size)
            }
            bytes = part
        }
        return try StoredTensor(
            name: name, scalarType: scalarType, extents: extents, strides: strides, storageOffset: offset,
            storage: bytes)
    }
}

/// An array of NumPy, as a pickle describes it: nothing here is checked against the number of bytes yet.
struct PickledArray: Sendable {
    /// What the elements are.
    enum Elements: Sendable {
        case bytes(ByteRegion)
        /// A list in the heap: the elements are Python's objects.
        case objects(Int)
    }

    let extents: [Int]
    let type: PickledArrayType
    /// Whether the first axis is the fastest.
    let isColumnMajor: Bool
    let elements: Elements
}

/// What `numpy.dtype` was asked for: the type of an array's elements.
///
/// - Source: NumPy's `dtype.__reduce__` and `dtype.__setstate__`
struct PickledArrayType: Sendable, Equatable {
    /// As `f4`, without a byte order.
    let name: String
    /// `<`, `>` or `|`; nil until the state is set.
    var byteOrder: String?
    /// Whether an element is several numbers.
    var isStructured = false

    /// NumPy's own spelling, as `<f4`; a type whose elements are several numbers is `|V`, followed by its size.
    var description: String { isStructured ? "a structured type" : (byteOrder ?? "<") + name }

    /// Whether the elements are Python's own objects.
    var isObject: Bool { ["O", "O4", "O8", "|O", "|O4", "|O8"].contains(name) }
}
