/// How one number of a stored tensor is written.
public enum ScalarType: String, Sendable, CaseIterable {
    case float16, bfloat16, float32, float64

    /// Units: bytes.
    public var byteCount: Int {
        switch self {
        case .float16, .bfloat16: 2
        case .float32: 4
        case .float64: 8
        }
    }
}
