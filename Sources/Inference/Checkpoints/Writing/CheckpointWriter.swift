import Files

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
