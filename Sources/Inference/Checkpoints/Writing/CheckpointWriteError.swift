import Files

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
