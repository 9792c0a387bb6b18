import FoundationEssentials

/// A parsed field value of the form `value; name=token; name="quoted"`.
///
/// Text that is not UTF-8 is read as Latin-1: every byte is then a character, and no name is lost.
/// - Source: RFC 9110 §5.6.6; RFC 7578 §4.2; RFC 2046 §5.1
struct FieldParameters: Sendable, Equatable {
    /// The text before the first semicolon, lowercased.
    let value: String
    /// The parameters by lowercased name; of a repeated name the first.
    let parameters: [String: String]

    /// Parses `text`; nil if a parameter's name is not a token, or a quoted string is not followed by a semicolon or
    /// the end.
    init?(_ text: String) { self.init(Array(text.utf8)[...]) }

    /// Parses bytes of any character set; nil in the same cases.
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
            // An empty parameter, or a name without a value, is ignored.
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
            // A backslash escapes only a quotation mark or a backslash: old browsers send whole Windows paths, with
            // plain backslashes.
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

    /// The decoded value of a parameter. The form `parameter*` (RFC 8187) takes precedence (RFC 6266 §4.3). Encoded
    /// words (RFC 2047), which .NET sends, are decoded.
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

/// Decodes text beyond ASCII in fields.
///
/// - Source: RFC 8187 §3.2 (`UTF-8''%e2%82%ac.png`); RFC 2047 §2 (`=?utf-8?B?4oKsLnBuZw==?=`)
enum TextEncoding {
    /// The character sets that are supported.
    private enum Charset {
        case utf8
        case latin1

        init?(_ name: some StringProtocol) {
            switch name.lowercased() {
            case "utf-8", "utf8", "us-ascii", "ascii": self = .utf8
            case "iso-8859-1", "latin1": self = .latin1
            default: return nil
            }
        }

        func text(_ bytes: [UInt8]) -> String? {
            switch self {
            case .utf8: String(validating: bytes, as: UTF8.self)
            case .latin1: TextEncoding.latin1(bytes)
            }
        }
    }

    /// Text in an unknown character set: read as UTF-8 if it is valid, else as Latin-1.
    static func text(_ bytes: some Collection<UInt8>) -> String {
        String(validating: bytes, as: UTF8.self) ?? latin1(bytes)
    }

    private static func latin1(_ bytes: some Collection<UInt8>) -> String {
        var text = ""
        for byte in bytes { text.unicodeScalars.append(Unicode.Scalar(byte)) }
        return text
    }

    /// The text of `charset'language'percent-encoded`; nil if it is malformed or of an unknown character set.
    static func extended(_ text: String) -> String? {
        let pieces = text.split(separator: "'", maxSplits: 2, omittingEmptySubsequences: false)
        guard pieces.count == 3, let charset = Charset(pieces[0]) else { return nil }
        return PercentDecoding.bytes(pieces[2].utf8).flatMap(charset.text)
    }

    /// `text` with its encoded words decoded; blanks between two of them are dropped (RFC 2047 §6.2). A word that is
    /// malformed or of an unknown character set stays as it is.
    static func decodingWords(_ text: String) -> String {
        guard text.contains("=?") else { return text }
        var decoded = ""
        var rest = text[...]
        // A character may be split between two words, so the bytes of adjacent words are decoded together.
        var word: (charset: Charset, bytes: [UInt8], source: Substring)?
        func flush() {
            guard let ended = word else { return }
            decoded += ended.charset.text(ended.bytes) ?? String(ended.source)
            word = nil
        }
        while let begin = rest.firstRange(of: "=?")?.lowerBound {
            guard let (charset, bytes, end) = encodedWord(rest[begin...]) else {
                flush()
                let next = rest.index(after: begin)
                decoded += rest[..<next]
                rest = rest[next...]
                continue
            }
            let isBlank = rest[..<begin].utf8.allSatisfy { $0 == Octet.space || $0 == Octet.tab }
            if let before = word, isBlank, before.charset == charset {
                word = (charset, before.bytes + bytes, text[before.source.startIndex..<end])
            } else {
                let wasWord = word != nil
                flush()
                if !wasWord || !isBlank { decoded += rest[..<begin] }
                word = (charset, bytes, rest[begin..<end])
            }
            rest = rest[end...]
        }
        flush()
        return decoded + rest
    }

    /// The encoded word at the start of `text`, and where it ends.
    private static func encodedWord(_ text: Substring) -> (charset: Charset, bytes: [UInt8], end: String.Index)? {
        let pieces = text.dropFirst(2).split(separator: "?", maxSplits: 2, omittingEmptySubsequences: false)
        guard pieces.count == 3, let charset = Charset(pieces[0].prefix { $0 != "*" }),
            let close = pieces[2].firstRange(of: "?=")
        else { return nil }
        let content = pieces[2][..<close.lowerBound]
        let bytes: [UInt8]?
        switch pieces[1] {
        case "B", "b": bytes = Data(base64Encoded: String(content)).map(Array.init)
        case "Q", "q": bytes = quoted(content)
        default: return nil
        }
        return bytes.map { (charset, $0, close.upperBound) }
    }

    /// Decodes the `Q` encoding: `_` is a space, `=E9` a byte.
    private static func quoted(_ text: Substring) -> [UInt8]? {
        var bytes: [UInt8] = []
        var iterator = text.utf8.makeIterator()
        while let byte = iterator.next() {
            switch byte {
            case UInt8(ascii: "_"): bytes.append(Octet.space)
            case UInt8(ascii: "="):
                guard let high = iterator.next().flatMap(PercentDecoding.hexadecimalValue),
                    let low = iterator.next().flatMap(PercentDecoding.hexadecimalValue)
                else { return nil }
                bytes.append(high << 4 | low)
            default: bytes.append(byte)
            }
        }
        return bytes
    }
}
