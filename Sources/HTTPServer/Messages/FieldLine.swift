import HTTPTypes

/// Reads one field line: `field-name ":" OWS field-value OWS`.
///
/// - Source: RFC 9112 §5
enum FieldLine {
    /// The field that `line`, without its CR LF, holds.
    static func parse(_ line: UnsafeRawBufferPointer) throws(RequestError) -> HTTPField {
        // A line that begins with white space folds the one before; a server must refuse it (RFC 9112 §5.2).
        if let first = line.first, first == Octet.space || first == Octet.tab {
            throw .foldedField(found: Excerpt.of(line))
        }
        guard let colon = line.firstOffset(of: Octet.colon) else { throw .fieldLine(found: Excerpt.of(line)) }
        // White space before the colon has been used to smuggle fields past proxies; it is no token character, so it is
        // refused here (RFC 9112 §5.1).
        let rawName = line.slice(0..<colon)
        guard !rawName.isEmpty, ByteSet.token.containsAll(rawName), let name = HTTPField.Name(rawName.text) else {
            throw .fieldName(found: Excerpt.of(rawName))
        }
        let value = line.slice(colon + 1..<line.count).trimmed
        // NUL, CR and other controls are refused instead of replaced (RFC 9110 §5.5).
        guard ByteSet.fieldValue.containsAll(value) else { throw .fieldValue(name: name.rawName) }
        // What is not UTF-8 keeps its bytes: obs-text is opaque data (RFC 9110 §5.5).
        guard let text = value.validText else { return HTTPField(name: name, value: value) }
        return HTTPField(name: name, value: text)
    }
}
