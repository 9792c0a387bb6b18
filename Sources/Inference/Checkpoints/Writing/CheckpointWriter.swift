import Files

/// Writes named tensors to a checkpoint file in the format of PyTorch, safetensors or NumPy.
///
/// The file is replaced atomically: see ``AtomicFile``.
public enum CheckpointWriter {
    /// The longest name of a tensor that every reader accepts. Units: bytes.
    private static let maxNameByteCount = 1 << 14

    /// Writes all tensors in one element type.
    ///
    /// - Parameter metadata: strings for users; only safetensors stores them.
    /// - Throws: ``CheckpointWriteError``
    public static func write(
        _ tensors: [(name: String, tensor: Tensor)], to path: String, format: Checkpoint.Format,
        scalarType: ScalarType = .float32, metadata: [String: String] = [:]
    ) throws(CheckpointWriteError) {
        try write(
            tensors.map { WritableTensor(name: $0.name, tensor: $0.tensor, scalarType: scalarType) }, to: path,
            format: format, metadata: metadata)
    }

    /// Writes each tensor in its own element type.
    ///
    /// - Parameter metadata: strings for users; only safetensors stores them.
    /// - Returns: the file's size. Units: bytes.
    /// - Throws: ``CheckpointWriteError``
    @discardableResult
    public static func write(
        _ tensors: [WritableTensor], to path: String, format: Checkpoint.Format, metadata: [String: String] = [:]
    ) throws(CheckpointWriteError) -> Int {
        guard format != .npy else { throw .unwritableFormat(format) }
        try check(tensors, format)
        let file: AtomicFile
        do {
            file = try AtomicFile(path, expectedByteCount: tensors.reduce(0) { $0 + $1.byteCount })
        } catch {
            throw .file(error)
        }
        // If an error is thrown, the temporary file is deleted with the last reference to `file`.
        switch format {
        case .pytorch: try PyTorchWriter.write(tensors, to: file)
        case .safetensors: try SafetensorsWriter.write(tensors, metadata: metadata, to: file)
        case .npz: try NumPyWriter.write(tensors, to: file)
        case .npy: break
        }
        do {
            try file.commit()
        } catch {
            throw .file(error)
        }
        return file.byteCount
    }

    private static func check(
        _ tensors: [WritableTensor], _ format: Checkpoint.Format
    ) throws(CheckpointWriteError) {
        guard !tensors.isEmpty else { throw .noTensors }
        var names = Set<String>()
        for tensor in tensors {
            guard tensor.name.utf8.count <= maxNameByteCount else {
                throw .invalidName(name: String(tensor.name.prefix(100)) + "…")
            }
            guard names.insert(tensor.name).inserted else { throw .duplicateTensor(name: tensor.name) }
            guard tensor.scalarType != .float64 else {
                throw .unsupportedScalarType(tensor.scalarType, format: format)
            }
        }
    }
}

extension Checkpoint.Format {
    /// The format for a file name's suffix `.pth`, `.pt`, `.safetensors` or `.npz`; nil for others.
    public init?(suffixOf path: String) {
        guard let suffix = path.split(separator: "/").last?.split(separator: ".").dropFirst().last?.lowercased() else {
            return nil
        }
        switch suffix {
        case "pth", "pt": self = .pytorch
        case "safetensors": self = .safetensors
        case "npz": self = .npz
        default: return nil
        }
    }
}

/// A tensor to be written: its name and its element type in the file.
public struct WritableTensor {
    /// The key in the state dictionary, such as `features.0.weight`.
    public let name: String
    /// The shape, outermost axis first.
    public let shape: Shape
    /// The element type in the file.
    public let scalarType: ScalarType
    /// Makes the tensor. It is called once, when the tensor is written, so that only one converted tensor is in memory
    /// at a time.
    let tensor: () -> Tensor

    /// A tensor in memory.
    public init(name: String, tensor: Tensor, scalarType: ScalarType) {
        self.init(name: name, shape: tensor.shape, scalarType: scalarType) { tensor }
    }

    /// A tensor of another checkpoint.
    ///
    /// - Parameters:
    ///   - scalarType: the element type to write; nil keeps the tensor's own, except that float64 becomes float32.
    ///   - willWrite: called just before the tensor is written.
    public init(
        name: String, stored: StoredTensor, scalarType: ScalarType? = nil, willWrite: @escaping () -> Void = {}
    ) {
        self.init(
            name: name, shape: stored.shape,
            scalarType: scalarType ?? (stored.scalarType == .float64 ? .float32 : stored.scalarType)
        ) {
            willWrite()
            return stored.tensor()
        }
    }

    private init(name: String, shape: Shape, scalarType: ScalarType, tensor: @escaping () -> Tensor) {
        self.name = name
        self.shape = shape
        self.scalarType = scalarType
        self.tensor = tensor
    }

    /// Size in the file. Units: bytes.
    var byteCount: Int { shape.elementCount * scalarType.byteCount }
}

/// Why a checkpoint was not written; an existing file is left unchanged.
public enum CheckpointWriteError: Error, Equatable, Sendable {
    /// The file could not be written.
    case file(FileWriteError)
    /// A finite scalar would become infinite in the requested element type; `index` is row-major.
    case overflow(name: String, index: Int, value: Float, scalarType: ScalarType)
    /// The format does not support this element type.
    case unsupportedScalarType(ScalarType, format: Checkpoint.Format)
    /// Two tensors have the same name.
    case duplicateTensor(name: String)
    /// The format does not allow this tensor name, or the name is too long.
    case invalidName(name: String)
    /// There are no tensors to write.
    case noTensors
    /// The format can be read but not written.
    case unwritableFormat(Checkpoint.Format)
    /// The header would be longer than readers accept. Units: bytes.
    case headerTooLong(byteCount: Int, limit: Int)
}

extension CheckpointWriteError: CustomStringConvertible {
    /// One sentence.
    public var description: String {
        switch self {
        case .file(let error): error.description
        case .overflow(let name, let index, let value, let scalarType):
            "Tensor \(name) has \(value) at index \(index), which is too large for \(scalarType.rawValue)"
                + (scalarType == .float16 ? "; bfloat16 and float32 have room for it." : "; float32 has room for it.")
        case .unsupportedScalarType(let scalarType, let format):
            switch format {
            case .npz: "NumPy has no \(scalarType.rawValue); write float32 or float16 to .npz."
            default: "Checkpoints are written in float32, float16 or bfloat16, not in \(scalarType.rawValue)."
            }
        case .duplicateTensor(let name): "Two tensors are named \(name)."
        case .invalidName(let name): "A tensor cannot be named \"\(name)\" in this format."
        case .noTensors: "There is no tensor to write."
        case .unwritableFormat(let format):
            "Checkpoints are not written as .\(format.rawValue); write .pth, .safetensors or .npz."
        case .headerTooLong(let byteCount, let limit):
            "The header would take \(byteCount) bytes, and readers take at most \(limit)."
        }
    }
}

extension AtomicFile {
    /// Writes bytes and converts errors to ``CheckpointWriteError``.
    func add(_ bytes: UnsafeRawBufferPointer) throws(CheckpointWriteError) {
        do {
            try write(bytes)
        } catch {
            throw .file(error)
        }
    }

    /// Writes bytes and converts errors to ``CheckpointWriteError``.
    func add(_ bytes: [UInt8]) throws(CheckpointWriteError) {
        try bytes.withRawBytes { bytes throws(CheckpointWriteError) in try add(bytes) }
    }
}
