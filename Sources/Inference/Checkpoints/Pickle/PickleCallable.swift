/// A global (class or function) in a pickle: either in the allowlist, which makes tensors and containers, or an inert
/// name.
enum PickleCallable: Sendable, Equatable {
    /// `OrderedDict`, `dict` and the subclasses of `dict` in Python's standard library.
    case dictionary
    /// `set` and `frozenset`.
    case set
    /// `torch._utils._rebuild_tensor` and its second version.
    case rebuildTensor
    /// `torch._utils._rebuild_tensor_v3`, for types without a storage class of their own, such as float8.
    case rebuildTypedTensor
    /// `torch._utils._rebuild_qtensor`: a quantized tensor.
    case rebuildQuantizedTensor
    /// A function that returns its first argument: a parameter's tensor, or a copy from an accelerator.
    case rebuildParameter
    /// A tensor subclass, or a tensor with attributes: rebuilt by another function, which is an argument.
    case rebuildSubclass
    /// A tensor class of PyTorch's first versions. It makes an empty tensor that the opcode BUILD fills.
    case tensorClass
    /// `torch.Size`.
    case size
    /// A storage class, by its element type.
    case storageClass(scalarName: String)
    /// An element type, such as `torch.float8_e4m3fn`.
    case scalarType(name: String)
    /// NumPy's `_reconstruct`. It makes an empty array that the opcode BUILD fills.
    case reconstructArray
    /// NumPy's `_frombuffer`. It makes an array of given bytes.
    case arrayFromBuffer
    /// `numpy.ndarray`, an argument of ``reconstructArray``.
    case arrayClass
    /// `numpy.dtype`.
    case arrayType
    /// `_codecs.encode`: text to bytes, which is how protocols up to 2 store the bytes of Python 3.
    case encode
    /// `copyreg._reconstructor` and `copyreg.__newobj__`, which make an object of the class that is their argument.
    case makeObject
    /// Any other global. It is never run; the result of calling it is a ``PickleObject``.
    case inert(name: String)

    /// Looks up `module.name` in the allowlist.
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

    /// The longest name of a global; real ones are shorter. Units: bytes.
    static let maxNameByteCount = 1 << 10

    private static let storageClasses = [
        "FloatStorage": "float32", "DoubleStorage": "float64", "HalfStorage": "float16", "BFloat16Storage": "bfloat16",
        "LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8",
        "ByteStorage": "uint8", "BoolStorage": "bool", "ComplexFloatStorage": "complex64",
        "ComplexDoubleStorage": "complex128", "QInt8Storage": "qint8", "QUInt8Storage": "quint8",
        "QInt32Storage": "qint32", "QUInt4x2Storage": "quint4x2", "QUInt2x4Storage": "quint2x4",
    ]

    /// Element types such as `torch.float32`, which some scripts save among their settings.
    private static let scalarNames: Set = [
        "float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool", "complex64",
        "complex128", "uint16", "uint32", "uint64", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2",
        "float8_e5m2fnuz",
        "float8_e8m0fnu", "float4_e2m1fn_x2", "qint8", "quint8", "qint32", "quint4x2", "quint2x4",
    ]

    /// Tensor classes such as `torch.FloatTensor`.
    private static let tensorClasses: Set = [
        "FloatTensor", "DoubleTensor", "HalfTensor", "BFloat16Tensor", "LongTensor", "IntTensor", "ShortTensor",
        "CharTensor", "ByteTensor", "BoolTensor",
    ]

    /// The name of the element type of an untyped storage.
    static let untyped = "untyped"
}
