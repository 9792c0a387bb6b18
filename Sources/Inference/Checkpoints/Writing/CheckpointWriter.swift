/// Writes named tensors to a checkpoint file that PyTorch, safetensors or NumPy load.
///
/// The file appears whole and at once, or not at all: see ``AtomicFile``.
public enum CheckpointWriter {
    /// The most axes and bytes that any reader takes are met by the tensors themselves; names are bounded here. Units: bytes.
    private static let maxNameByteCount = 1 << 14

    /// Writes tensors in one type.
    ///
    /// - Parameters:
    ///   - metadata: words for people; only safetensors has a place for them.
    /// - Throws: ``CheckpointWriteError``
    public static func write(
        _ tensors: [(name: String, tensor: Tensor)], to path: String, format: Checkpoint.Format,
        scalarType: ScalarType = .float32, metadata: [String: String] = [:]
    ) throws(CheckpointWriteError) {
        try write(
            tensors.map { WritableTensor(name: $0.name, tensor: $0.tensor, scalarType: scalarType) }, to: path,
            format: format, metadata: metadata)
    }

    /// Writes tensors, each in its own type.
    ///
    /// - Parameter metadata: words for people; only safetensors has a place for them.
    /// - Returns: the file's size. Units: bytes.
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
        // On an error the partial file goes with its last reference.
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
    /// The format that a file name's suffix stands for; nil where it is none of `.pth`, `.pt`, `.safetensors` and `.npz`.
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

/// A tensor on its way to a file: its name, and the type that its numbers will have there.
public struct WritableTensor {
    /// The key in the state_dict, as `features.0.weight`.
    public let name: String
    /// Its extents, outermost axis first.
    public let shape: Shape
    /// How its numbers are written.
    public let scalarType: ScalarType
    /// Called once, when its turn comes: what has to be converted first is in memory one tensor at a time.
    let tensor: () -> Tensor

    /// A tensor that is there.
    public init(name: String, tensor: Tensor, scalarType: ScalarType) {
        self.init(name: name, shape: tensor.shape, scalarType: scalarType) { tensor }
    }

    /// A tensor of another checkpoint.
    ///
    /// - Parameters:
    ///   - scalarType: nil keeps its own, where that is written at all: float64 becomes float32.
    ///   - willWrite: called when its turn comes.
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

    /// Units: bytes, in the file.
    var byteCount: Int { shape.elementCount * scalarType.byteCount }
}

/// Why a checkpoint was not written; what stood there before is still there.
public enum CheckpointWriteError: Error, Equatable, Sendable {
    case file(FileWriteError)
    /// A finite number that is infinite in the type asked for.
    case overflow(name: String, index: Int, value: Float, scalarType: ScalarType)
    /// The format has no such numbers.
    case unsupportedScalarType(ScalarType, format: Checkpoint.Format)
    case duplicateTensor(name: String)
    /// The format has no place for such a name.
    case invalidName(name: String)
    case noTensors
    /// The format is read only.
    case unwritableFormat(Checkpoint.Format)
    /// A header that no reader would take.
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
