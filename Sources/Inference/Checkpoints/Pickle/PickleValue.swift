import Files

/// A value on the stack of a ``PickleMachine``.
///
/// Containers are indices into a ``PickleHeap``, so values are not nested. Creating and freeing them never recurses,
/// however deeply a pickle nests its lists, and a list that contains itself does not leak.
enum PickleValue: Sendable {
    case none
    case boolean(Bool)
    case integer(Int)
    /// A float, or an integer of more than 64 bits; its value is not needed.
    case number
    case string(String)
    case tuple(Int)
    case list(Int)
    case dictionary(Int)
    case set
    case storage(Int)
    case tensor(Int)
    /// Bytes of Python 3 or a string of Python 2.
    case bytes(Int)
    /// Text that is too long for a name; not copied out of the pickle.
    case longText(Int)
    case arrayType(Int)
    case array(Int)
    case callable(PickleCallable)
    /// An object that Python would create by running code; see ``PickleObject``.
    case object(Int)
    /// Text that cannot be the name of a tensor, such as one with escapes.
    case inert

    /// A description of the value, for errors.
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

/// An object that Python would create by running code: an instance of a class, or the result of a function.
///
/// Here it is only an inert name, with a dictionary of entries if the pickle uses it as one.
struct PickleObject: Sendable {
    /// Qualified name of the class or function, such as `argparse.Namespace`.
    let name: String
    /// Whether the name is that of a class.
    var isInstance: Bool
    /// Position in the pickle where it is created. Units: bytes.
    let offset: Int
    /// Heap index of the entries, for subclasses of `dict` such as Lightning's `AttributeDict`.
    var dictionary: Int?

    /// A description of the object, for errors.
    var kind: String {
        isInstance
            ? "an object of class \(Self.shortened(name))" : "the result of \(Self.shortened(name))"
    }

    /// A name from the file, cut to at most 100 characters.
    static func shortened(_ name: String) -> String {
        let scalars = name.unicodeScalars
        return scalars.count > 100 ? "\(String.UnicodeScalarView(scalars.prefix(100)))…" : name
    }

    /// Whether a name looks like that of a class: by Python's style guide it starts with a capital letter.
    static func isClass(_ name: String) -> Bool {
        name.unicodeScalars.split(separator: ".").last?.first?.properties.isUppercase ?? false
    }
}

/// Bytes in a pickle, not copied.
struct PickledBytes: Sendable {
    let region: ByteRegion
    /// The bytes as text, if they are UTF-8 and short enough for a name. They are decoded once.
    let text: String?

    /// The longest text that is decoded; names of tensors are shorter. Units: bytes.
    static let maxTextByteCount = 1 << 14

    init(_ region: ByteRegion) {
        self.region = region
        text = region.count <= Self.maxTextByteCount ? region.text : nil
    }
}

/// A storage (memory shared by tensors), as identified by a persistent id in a pickle.
struct PickledStorage: Sendable, Equatable {
    /// PyTorch's name of the element type: `float32`, `int64`.
    let scalarName: String
    /// Key of the record with the bytes: `0` for `data/0`.
    let key: String
    let elementCount: Int
    /// The range within the storage, where the legacy format stores a view of another storage. Units: elements.
    var view: Range<Int>?
}

/// A strided view of a storage as described by a pickle, not yet checked against the storage's bounds.
struct PickledTensor: Sendable, Equatable {
    let storage: PickledStorage
    /// The first element's position in the storage. Units: elements.
    let offset: Int
    let extents: [Int]
    /// Units: elements.
    let strides: [Int]
    /// The element type where it is not that of the storage: `float8_e4m3fn`.
    var ownScalarName: String?

    /// PyTorch's name of the element type: `float32`, `int64`.
    var scalarName: String { ownScalarName ?? storage.scalarName }
}

extension PickledTensor {
    /// The tensor as a bounds-checked view of its storage's bytes.
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

/// A NumPy array as described by a pickle, not yet checked against its number of bytes.
struct PickledArray: Sendable {
    /// The array's contents.
    enum Elements: Sendable {
        /// Numbers, as raw bytes.
        case bytes(ByteRegion)
        /// Python objects, as the heap index of a list.
        case objects(Int)
    }

    let extents: [Int]
    let type: PickledArrayType
    /// Whether the array is column-major (Fortran order: first axis fastest).
    let isColumnMajor: Bool
    let elements: Elements
}

/// A `numpy.dtype`: the element type of an array.
///
/// - Source: NumPy's `dtype.__reduce__` and `dtype.__setstate__`
struct PickledArrayType: Sendable, Equatable {
    /// The type without its byte order, such as `f4`.
    let name: String
    /// `<`, `>` or `|`; nil until BUILD sets it.
    var byteOrder: String?
    /// Whether an element is a structure of several values.
    var isStructured = false

    /// NumPy's type string, such as `<f4`.
    var description: String { isStructured ? "a structured type" : (byteOrder ?? "<") + name }

    /// Whether the elements are Python objects.
    var isObject: Bool { ["O", "O4", "O8", "|O", "|O4", "|O8"].contains(name) }
}
