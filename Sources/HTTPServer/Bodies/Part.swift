/// One part of a `multipart/form-data` body.
///
/// - Source: RFC 7578 §4
public struct Part: Sendable, Equatable {
    /// The form field's name (Content-Disposition's `name`).
    public let name: String?
    /// The file's name, if the part is a file. It is the client's word: never use it as a path.
    public let filename: String?
    /// The part's Content-Type, as it was sent.
    public let contentType: String?
    /// The part's content, where it lies in the body.
    public let bytes: ArraySlice<UInt8>

    /// A part, whole.
    public init(name: String? = nil, filename: String? = nil, contentType: String? = nil, bytes: ArraySlice<UInt8> = [])
    {
        self.name = name
        self.filename = filename
        self.contentType = contentType
        self.bytes = bytes
    }
}
