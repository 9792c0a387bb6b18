/// A global that a pickle names: one of the few that make tensors and containers, or one that is refused.
enum PickleCallable: Sendable, Equatable {
    case orderedDictionary
    case rebuildTensor
    case rebuildParameter
    case size
    /// A storage class, by the elements it has.
    case storageClass(scalarName: String)
    /// Makes something that is carried along and never looked at.
    case inert
    /// Any other: naming it is an error, and calling it a worse one.
    case refused(name: String)

    /// What `module.name` stands for.
    init(module: String, name: String) {
        switch (module, name) {
        case ("collections", "OrderedDict"):
            self = .orderedDictionary
        case ("torch._utils", "_rebuild_tensor_v2"):
            self = .rebuildTensor
        case ("torch._utils", "_rebuild_parameter"), ("torch._utils", "_rebuild_parameter_with_state"):
            self = .rebuildParameter
        case ("torch", "Size"):
            self = .size
        case ("torch", "device"), ("_codecs", "encode"), ("numpy", "dtype"),
            ("numpy.core.multiarray", "scalar"), ("numpy._core.multiarray", "scalar"):
            self = .inert  // train-loop scripts keep a device or a best accuracy beside the weights
        case ("builtins", _), ("__builtin__", _):
            self = Self.builtins.contains(name) ? .inert : .refused(name: "\(module).\(name)")
        case ("torch", _), ("torch.cuda", _):
            if let scalarName = Self.storageClasses[name] {
                self = .storageClass(scalarName: scalarName)
            } else if Self.scalarNames.contains(name) {
                self = .inert
            } else {
                self = .refused(name: "\(module).\(name)")
            }
        default:
            self = .refused(name: "\(module).\(name)")
        }
    }

    private static let builtins: Set = ["set", "frozenset", "int", "float", "bool", "complex", "bytearray"]

    private static let storageClasses = [
        "FloatStorage": "float32", "DoubleStorage": "float64", "HalfStorage": "float16", "BFloat16Storage": "bfloat16",
        "LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8",
        "ByteStorage": "uint8", "BoolStorage": "bool", "ComplexFloatStorage": "complex64",
        "ComplexDoubleStorage": "complex128", "QInt8Storage": "qint8", "QUInt8Storage": "quint8",
        "QInt32Storage": "qint32",
    ]

    /// `torch.float32` and its kin, which some scripts keep as a setting.
    private static let scalarNames: Set = [
        "float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool", "complex64",
        "complex128",
    ]
}
