/// A field value of the form `value; name=token; name="quoted"`, taken apart.
///
/// What is not UTF-8 is read as Latin-1: every byte then stands for a character, and no name is lost.
/// - Source: RFC 9110 §5.6.6; RFC 7578 §4.2; RFC 2046 §5.1
struct FieldParameters: Sendable, Equatable {
    /// What stands before the first semicolon, lowercased.
    let value: String
    /// The parameters by lowercased name; the first of each name counts.
    let parameters: [String: String]

    /// Takes `text` apart; nil if a parameter's name is no name, or a quotation does not end at a semicolon or the end.
    init?(_ text: String) { self.init(Array(text.utf8)[...]) }

    /// The same of bytes in any character set.
    init?(_ bytes: ArraySlice<UInt8>) {
        let bytes = Array(bytes)
        var index = bytes.firstIndex(of: UInt8(ascii: ";")) ?? bytes.count
        self.value = Self.string(bytes[0..<index]).lowercased()

        var parameters: [String: String] = [:]
        while index < bytes.count {
            index += 1  // the semicolon
            while index < bytes.count, Self.isBlank(bytes[index]) { index += 1 }
            let end = bytes[index...].firstIndex { $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: ";") } ?? bytes.count
            let name = Self.string(bytes[index..<end]).lowercased()
            index = end
            // An empty parameter, or a word without a value, says nothing.
            if index == bytes.count || bytes[index] == UInt8(ascii: ";") { continue }
            guard !name.isEmpty, name.utf8.allSatisfy(ByteSet.token.contains) else { return nil }
            index += 1  // the equals sign
            while index < bytes.count, Self.isBlank(bytes[index]) { index += 1 }

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
            return string(bytes[index..<end])
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
        return TextEncoding.text(quoted)
    }

    /// A name that stands in a parameter as it is, in another character set, or in both ways: `name*` says it best
    /// (RFC 6266 §4.3), then come encoded words, which mail uses and .NET sends.
    func name(_ parameter: String) -> String? {
        let extended = parameters[parameter + "*"]
        if let text = extended.flatMap(TextEncoding.extended) { return text }
        return (parameters[parameter] ?? extended).map(TextEncoding.decodingWords)
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == Octet.space || byte == Octet.tab }

    private static func string(_ bytes: ArraySlice<UInt8>) -> String {
        bytes.withUnsafeBytes { TextEncoding.text($0.trimmed) }
    }
}
