/// Comma-separated values.
///
/// - Source: RFC 4180; lines end with a line feed alone.
enum CSV {
    /// A record with its line feed.
    static func record(_ fields: [String]) -> String { fields.map(quoted).joined(separator: ",") + "\n" }

    private static func quoted(_ field: String) -> String {
        let needsQuotes = field.utf8.contains { byte in ",\"\r\n".utf8.contains(byte) }
        return needsQuotes ? "\"" + field.replacing("\"", with: "\"\"") + "\"" : field
    }

    /// The complete records at the beginning of some text; a line feed within quotes does not end one.
    ///
    /// - Parameter body: takes the fields of a record, and the offset of what follows it. Units: bytes.
    static func forEachRecord<E: Error>(in text: [UInt8], _ body: ([String], _ end: Int) throws(E) -> Void) throws(E) {
        var fields: [String] = []
        var field: [UInt8] = []
        var isQuoted = false
        for (offset, byte) in text.enumerated() {
            switch byte {
            case UInt8(ascii: "\""):
                // The second of two quotation marks within quotes stands for one.
                if !isQuoted, offset > 0, text[offset - 1] == byte { field.append(byte) }
                isQuoted.toggle()
            case UInt8(ascii: ",") where !isQuoted, UInt8(ascii: "\n") where !isQuoted:
                fields.append(String(decoding: field, as: UTF8.self))
                field.removeAll(keepingCapacity: true)
                guard byte == UInt8(ascii: "\n") else { continue }
                try body(fields, offset + 1)
                fields.removeAll(keepingCapacity: true)
            default: field.append(byte)
            }
        }
    }
}
