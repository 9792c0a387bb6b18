/// What a part's fields say about it.
///
/// - Source: RFC 7578 §4.2, §4.4, §4.7
struct PartHeader: Sendable, Equatable {
    /// Content-Disposition's `name`.
    private(set) var name: String?
    /// Content-Disposition's file name: `filename*`, else `filename`.
    private(set) var filename: String?
    /// Content-Type.
    private(set) var contentType: String?

    /// Reads the field lines in `bytes`, each with its line end, of part number `part`. A line that begins with a blank goes on
    /// with the one before (RFC 5322 §2.2.3).
    init(
        _ bytes: UnsafeRawBufferPointer, lineEnd: [UInt8], part: Int, maxFieldCount: Int
    ) throws(MultipartError) {
        var start = 0
        var lineCount = 0
        var field: [UInt8] = []
        while start < bytes.count {
            let end = lineEnd.withUnsafeBytes { bytes.firstOffset(of: $0, from: start) }
            guard let end, end > start else {
                throw .fieldLine(part: part, found: Excerpt.of(bytes.slice(start..<bytes.count)))
            }
            lineCount += 1
            guard lineCount <= maxFieldCount else { throw .tooManyFields(part: part, limit: maxFieldCount) }
            let line = bytes.slice(start..<end)
            if let first = line.first, first == Octet.space || first == Octet.tab {
                guard !field.isEmpty else { throw .fieldLine(part: part, found: Excerpt.of(line)) }
                field.append(Octet.space)
                field.append(contentsOf: line.trimmed)
            } else {
                try read(field, part: part)
                field = Array(line)
            }
            start = end + lineEnd.count
        }
        try read(field, part: part)
    }

    private mutating func read(_ field: [UInt8], part: Int) throws(MultipartError) {
        guard !field.isEmpty else { return }
        guard let colon = field.firstIndex(of: Octet.colon), colon > 0,
            field[..<colon].allSatisfy(ByteSet.token.contains),
            field[(colon + 1)...].allSatisfy(ByteSet.fieldValue.contains)
        else { throw .fieldLine(part: part, found: field.withUnsafeBytes { Excerpt.of($0) }) }

        let bytes = field[(colon + 1)...]
        let value = bytes.withUnsafeBytes { TextEncoding.text($0.trimmed) }
        switch String(decoding: field[..<colon], as: UTF8.self).lowercased() {
        case "content-disposition":
            guard let parameters = FieldParameters(bytes) else {
                throw .contentDisposition(part: part, found: Excerpt.of(value))
            }
            name = parameters.name("name")
            // RFC 7578 §4.2 forbids filename*, but some clients send it, and some of them nothing else.
            filename = parameters.name("filename")
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
