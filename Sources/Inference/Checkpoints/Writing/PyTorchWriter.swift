import Files

/// Writes the zip format of `torch.save(state_dict, path)`; PyTorch loads it with `weights_only=True`.
///
/// - Source: PyTorch's `torch/serialization.py`
enum PyTorchWriter {
    /// The folder of all records: PyTorch's default name.
    private static let folder = "archive/"

    /// Writes all records of an archive.
    ///
    /// - Parameter sizeLimit: see ``ZipWriter``.
    static func write(
        _ tensors: [WritableTensor], to file: AtomicFile, sizeLimit: Int = 0xFFFF_FFFF
    ) throws(CheckpointWriteError) {
        var archive = ZipWriter(file, sizeLimit: sizeLimit)
        try archive.add(folder + "data.pkl", StateDictionaryPickle.bytes(of: tensors))
        try archive.add(folder + ".format_version", Array("1".utf8))
        try archive.add(folder + ".storage_alignment", Array("64".utf8))
        try archive.add(folder + "byteorder", Array("little".utf8))
        for (index, tensor) in tensors.enumerated() {
            try archive.add(folder + "data/\(index)", byteCount: tensor.byteCount) { put throws(CheckpointWriteError) in
                try ScalarEncoder.encode(tensor, to: put)
            }
        }
        try archive.add(folder + "version", Array("3\n".utf8))
        try archive.finish()
    }
}

/// Writes the pickle of an `OrderedDict` of tensors, each with its own storage.
///
/// - Source: Python's `pickletools`, protocol 2; PyTorch's `torch/_utils.py` (`_rebuild_tensor_v2`) and
///   `torch/serialization.py` (`persistent_id`)
struct StateDictionaryPickle {
    private var output = LittleEndianBytes()

    /// The pickle; the tensor at index i has the storage key `i`.
    static func bytes(of tensors: [WritableTensor]) -> [UInt8] {
        var pickle = StateDictionaryPickle()
        pickle.put(0x80, 2)
        pickle.putEmptyOrderedDictionary()
        pickle.put("(")
        for (index, tensor) in tensors.enumerated() {
            pickle.put(text: tensor.name)
            pickle.put(tensor, key: "\(index)")
        }
        pickle.put("u", ".")
        return pickle.output.bytes
    }

    /// `torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, backward_hooks)`
    private mutating func put(_ tensor: WritableTensor, key: String) {
        put(global: "torch._utils", "_rebuild_tensor_v2")
        put("(")
        putStorage(of: tensor, key: key)
        put(number: 0)
        put(tuple: tensor.shape.extents)
        put(tuple: Shape(tensor.shape.extents.map { max($0, 1) }).contiguousStrides)
        put(0x89)  // False
        putEmptyOrderedDictionary()
        put("t", "R")
    }

    /// The persistent id `("storage", class, key, "cpu", element count)`.
    private mutating func putStorage(of tensor: WritableTensor, key: String) {
        put("(")
        put(text: "storage")
        put(global: "torch", Self.storageClass(of: tensor.scalarType))
        put(text: key)
        put(text: "cpu")
        put(number: tensor.shape.elementCount)
        put("t", "Q")
    }

    private static func storageClass(of type: ScalarType) -> String {
        switch type {
        case .float16: "HalfStorage"
        case .bfloat16: "BFloat16Storage"
        case .float32: "FloatStorage"
        case .float64: "DoubleStorage"
        }
    }

    private mutating func putEmptyOrderedDictionary() {
        put(global: "collections", "OrderedDict")
        put(")", "R")
    }

    private mutating func put(tuple numbers: [Int]) {
        put("(")
        numbers.forEach { put(number: $0) }
        put("t")
    }

    /// BININT if the number fits, else LONG1.
    private mutating func put(number: Int) {
        if let small = Int32(exactly: number) {
            put("J")
            output.append(small)
        } else {
            put(0x8A, 8)
            output.append(Int64(number))
        }
    }

    /// BINUNICODE.
    private mutating func put(text: String) {
        put("X")
        output.append(UInt32(text.utf8.count))
        output.append(contentsOf: text.utf8)
    }

    private mutating func put(global module: String, _ name: String) {
        put("c")
        output.append(contentsOf: "\(module)\n\(name)\n".utf8)
    }

    private mutating func put(_ opcodes: Unicode.Scalar...) {
        output.append(contentsOf: opcodes.map { UInt8(ascii: $0) })
    }

    private mutating func put(_ bytes: UInt8...) { output.append(contentsOf: bytes) }
}
