/// A global that a pickle names: one of the few that make tensors and containers, or any other, which is a name and no more.
enum PickleCallable: Sendable, Equatable {
    /// `OrderedDict`, `dict` and those of its subclasses that every Python has.
    case dictionary
    case set
    case rebuildTensor
    /// For types that have no storage class of their own, such as float8.
    case rebuildTypedTensor
    case rebuildQuantizedTensor
    /// What hands on its first argument: a parameter's tensor, or what was copied from an accelerator.
    case rebuildParameter
    /// A tensor of a subclass, or one with attributes: made by another function, which is an argument.
    case rebuildSubclass
    /// A tensor class of PyTorch's first versions, which makes an empty tensor that a state fills.
    case tensorClass
    case size
    /// A storage class, by the elements it has.
    case storageClass(scalarName: String)
    /// An element type, as `torch.float8_e4m3fn`.
    case scalarType(name: String)
    case reconstructArray
    case arrayFromBuffer
    case arrayClass
    case arrayType
    /// Text to bytes: how Python 3 writes bytes for Python 2.
    case encode
    /// What makes any object of a class that is an argument: `copyreg._reconstructor` in protocols 0 and 1.
    case makeObject
    /// Any other: there is nothing here that could run it. What calling it should make is a ``PickleObject``.
    case inert(name: String)

    /// What `module.name` stands for.
    init(module: String, name: String) {
        switch (module, name) {
        case ("collections", "OrderedDict"), ("collections", "defaultdict"), ("collections", "Counter"),
            ("builtins", "dict"), ("__builtin__", "dict"):
            self = .dictionary
        case ("builtins", "set"), ("builtins", "frozenset"), ("__builtin__", "set"), ("__builtin__", "frozenset"):
            self = .set
        case ("torch._utils", "_rebuild_tensor"), ("torch._utils", "_rebuild_tensor_v2"):
            self = .rebuildTensor
        case ("torch._utils", "_rebuild_tensor_v3"):
            self = .rebuildTypedTensor
        case ("torch._utils", "_rebuild_qtensor"):
            self = .rebuildQuantizedTensor
        case ("torch._utils", "_rebuild_parameter"), ("torch._utils", "_rebuild_parameter_with_state"),
            ("torch.nn.parameter", "Parameter"), ("torch._utils", "_rebuild_device_tensor_from_cpu_tensor"),
            ("torch._utils", "_rebuild_device_tensor_from_numpy"):
            self = .rebuildParameter
        case ("torch._tensor", "_rebuild_from_type_v2"), ("torch._tensor", "_rebuild_from_type"),
            ("torch.tensor", "_rebuild_from_type_v2"), ("torch.tensor", "_rebuild_from_type"):
            self = .rebuildSubclass
        case ("torch", "Size"):
            self = .size
        case ("torch.storage", "UntypedStorage"):
            self = .storageClass(scalarName: Self.untyped)
        case ("numpy.core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "_reconstruct"):
            self = .reconstructArray
        case ("numpy.core.numeric", "_frombuffer"), ("numpy._core.numeric", "_frombuffer"):
            self = .arrayFromBuffer
        case ("numpy", "ndarray"):
            self = .arrayClass
        case ("numpy", "dtype"):
            self = .arrayType
        case ("_codecs", "encode"), ("builtins", "bytes"), ("__builtin__", "bytes"):
            self = .encode
        case ("copyreg", "_reconstructor"), ("copy_reg", "_reconstructor"), ("copyreg", "__newobj__"),
            ("copy_reg", "__newobj__"), ("copyreg", "__newobj_ex__"):
            self = .makeObject
        case ("torch", _), ("torch.cuda", _):
            if let scalarName = Self.storageClasses[name] {
                self = .storageClass(scalarName: scalarName)
            } else if Self.tensorClasses.contains(name) {
                self = .tensorClass
            } else if Self.scalarNames.contains(name) {
                self = .scalarType(name: name)
            } else {
                self = .inert(name: "\(module).\(name)")
            }
        default:
            self = .inert(name: "\(module).\(name)")
        }
    }

    /// No class or function that a package installs has so long a name. Units: bytes.
    static let maxNameByteCount = 1 << 10

    private static let storageClasses = [
        "FloatStorage": "float32", "DoubleStorage": "float64", "HalfStorage": "float16", "BFloat16Storage": "bfloat16",
        "LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8",
        "ByteStorage": "uint8", "BoolStorage": "bool", "ComplexFloatStorage": "complex64",
        "ComplexDoubleStorage": "complex128", "QInt8Storage": "qint8", "QUInt8Storage": "quint8",
        "QInt32Storage": "qint32", "QUInt4x2Storage": "quint4x2", "QUInt2x4Storage": "quint2x4",
    ]

    /// `torch.float32` and its kin, which some scripts keep as a setting.
    private static let scalarNames: Set = [
        "float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool", "complex64",
        "complex128", "uint16", "uint32", "uint64", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2",
        "float8_e5m2fnuz",
        "float8_e8m0fnu", "float4_e2m1fn_x2", "qint8", "quint8", "qint32", "quint4x2", "quint2x4",
    ]

    /// `torch.FloatTensor` and its kin.
    private static let tensorClasses: Set = [
        "FloatTensor", "DoubleTensor", "HalfTensor", "BFloat16Tensor", "LongTensor", "IntTensor", "ShortTensor",
        "CharTensor", "ByteTensor", "BoolTensor",
    ]

    /// The name for what a storage without a type of its own holds.
    static let untyped = "untyped"
}
