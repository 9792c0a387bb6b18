/// What a request carried behind its fields.
public enum RequestBody: Sendable, Equatable {
    /// The bytes as they were sent, without their framing and content coding; empty if there were none.
    case bytes([UInt8])
    /// The parts of a `multipart/form-data` body (RFC 7578).
    case multipart([Part])

    /// The bytes of the content: of the body, or of all parts together without their fields.
    public var byteCount: Int {
        switch self {
        case .bytes(let bytes): bytes.count
        case .multipart(let parts): parts.reduce(0) { $0 + $1.bytes.count }
        }
    }
}
