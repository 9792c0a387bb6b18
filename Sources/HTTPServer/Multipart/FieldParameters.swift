/// A field value of the form `value; name=token; name="quoted"`, taken apart.
///
/// - Source: RFC 9110 §5.6.6; RFC 7578 §4.2; RFC 2046 §5.1
struct FieldParameters: Sendable, Equatable {
    /// What stands before the first semicolon, lowercased.
    let value: String
    /// The parameters by lowercased name; the first of each name counts.
    let parameters: [String: String]

    /// Takes `text` apart; nil if a parameter has no name or no value, or a quotation does not end.
    init?(_ text: String) {
        let bytes = Array(text.utf8)
        var index = bytes.firstIndex(of: UInt8(ascii: ";")) ?? bytes.count
        self.value = Self.string(bytes[0..<index]).lowercased()

        var parameters: [String: String] = [:]
        while index < bytes.count {
            index += 1  // the semicolon
            while index < bytes.count, Self.isBlank(bytes[index]) { index += 1 }
            if index == bytes.count || bytes[index] == UInt8(ascii: ";") { continue }  // an empty parameter
            guard let equals = bytes[index...].firstIndex(of: UInt8(ascii: "=")) else { return nil }
            let name = Self.string(bytes[index..<equals]).lowercased()
            guard !name.isEmpty, name.utf8.allSatisfy(ByteSet.token.contains) else { return nil }
            index = equals + 1

            guard let value = Self.parameterValue(bytes, &index) else { return nil }
            if parameters[name] == nil { parameters[name] = value }
        }
        self.parameters = parameters
    }

    /// Reads a token or a quoted string, up to the next semicolon.
    private static func parameterValue(_ bytes: [UInt8], _ index: inout Int) -> String? {
        guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else {
            let end = bytes[index...].firstIndex(of: UInt8(ascii: ";")) ?? bytes.count
            defer { index = end }
            let value = string(bytes[index..<end])
            return value.isEmpty ? nil : value
        }

        var quoted: [UInt8] = []
        index += 1
        while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
            // Only a quotation mark or a backslash is escaped by a backslash: some browsers once sent whole Windows
            // paths, whose backslashes stand for themselves.
            if bytes[index] == UInt8(ascii: "\\"), index + 1 < bytes.count,
                bytes[index + 1] == UInt8(ascii: "\"") || bytes[index + 1] == UInt8(ascii: "\\")
            {
                index += 1
            }
            quoted.append(bytes[index])
            index += 1
        }
        guard index < bytes.count else { return nil }
        index += 1
        while index < bytes.count, isBlank(bytes[index]) { index += 1 }
        guard index == bytes.count || bytes[index] == UInt8(ascii: ";") else { return nil }
        return String(decoding: quoted, as: UTF8.self)
    }

    /// The text of `value*=UTF-8''%E2%82%AC`, or nil if it is malformed or of another character set (RFC 8187 §3.2).
    static func extended(_ text: String) -> String? {
        let pieces = text.split(separator: "'", maxSplits: 2, omittingEmptySubsequences: false)
        guard pieces.count == 3, pieces[0].lowercased() == "utf-8" else { return nil }
        return PercentDecoding.decode(pieces[2].utf8)
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == Octet.space || byte == Octet.tab }

    private static func string(_ bytes: ArraySlice<UInt8>) -> String {
        bytes.withUnsafeBytes { $0.trimmed.text }
    }
}
