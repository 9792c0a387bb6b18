/// What a part's fields say about it.
///
/// - Source: RFC 7578 §4.2, §4.4, §4.7
struct PartHeader: Sendable, Equatable {
    /// Content-Disposition's `name`.
    private(set) var name: String?
    /// Content-Disposition's `filename`, or its `filename*` if that is all there is.
    private(set) var filename: String?
    /// Content-Type.
    private(set) var contentType: String?

    /// Reads the field lines in `bytes`, each with its CR LF, of part number `part`.
    init(_ bytes: UnsafeRawBufferPointer, part: Int) throws(MultipartError) {
        var start = 0
        while start < bytes.count {
            guard let end = bytes.firstOffset(of: Octet.lineFeed, from: start), end > start,
                bytes[end - 1] == Octet.carriageReturn
            else { throw .fieldLine(part: part, found: Excerpt.of(bytes.slice(start..<bytes.count))) }
            try read(bytes.slice(start..<end - 1), part: part)
            start = end + 1
        }
    }

    private mutating func read(_ line: UnsafeRawBufferPointer, part: Int) throws(MultipartError) {
        guard let colon = line.firstOffset(of: Octet.colon), colon > 0,
            ByteSet.token.containsAll(line.slice(0..<colon)),
            ByteSet.fieldValue.containsAll(line.slice(colon + 1..<line.count))
        else { throw .fieldLine(part: part, found: Excerpt.of(line)) }

        let value = line.slice(colon + 1..<line.count).trimmed.text
        switch line.slice(0..<colon).text.lowercased() {
        case "content-disposition":
            guard let field = FieldParameters(value) else {
                throw .contentDisposition(part: part, found: Excerpt.of(value))
            }
            name = field.parameters["name"]
            // filename* must not be used here (RFC 7578 §4.2), but some clients send nothing else.
            filename = field.parameters["filename"] ?? field.parameters["filename*"].flatMap(FieldParameters.extended)
        case "content-type": contentType = value
        case "content-transfer-encoding":
            // Deprecated (RFC 7578 §4.7). Those that change nothing are let pass; base64 would be read as garbage.
            guard ["binary", "8bit", "7bit"].contains(value.lowercased()) else {
                throw .transferEncoding(part: part, found: Excerpt.of(value))
            }
        default: break  // other fields must be ignored (RFC 7578 §4.8)
        }
    }
}
