/// How large the elements of PyTorch's storages are, those that are no weights included.
enum StorageElement {
    private static let byteCounts = [
        "float32": 4, "float64": 8, "float16": 2, "bfloat16": 2, "int64": 8, "int32": 4, "int16": 2, "int8": 1,
        "uint8": 1,
        "bool": 1, "complex64": 8, "complex128": 16, "qint8": 1, "quint8": 1, "qint32": 4, "quint4x2": 1, "quint2x4": 1,
    ]

    /// Units: bytes. A storage without a type of its own is counted in bytes.
    static func byteCount(of scalarName: String) -> Int { byteCounts[scalarName] ?? 1 }
}
