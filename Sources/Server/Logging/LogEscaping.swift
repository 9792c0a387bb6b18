/// Keeps what a client sent from looking like something else in a log.
///
/// Whatever ends a line, moves a cursor, or reorders the text around it is written as `\n`, `\t` or `\u001b`; the same
/// escapes serve text and JSON. All other characters stand as they are.
///
/// - Source: RFC 8259 §7; Unicode TR 36 §2.5 (bidirectional controls); CWE-117
enum LogEscaping {
    /// Escapes what is dangerous; with `quotes` also `"` and `\`, as inside quotation marks.
    static func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        result.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\"" where quotes: result += "\\\""
            case "\\" where quotes: result += "\\\\"
            case _ where isDangerous(scalar): result += escape(scalar)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// The text in quotation marks.
    static func quoted(_ text: String) -> String { "\"" + escaped(text, quotes: true) + "\"" }

    /// A word of a text line: quoted only if it would not read back as one word.
    static func word(_ text: String) -> String {
        let needsQuotes = text.unicodeScalars.contains { scalar in
            scalar == "\"" || scalar == "=" || scalar == "\\" || scalar.properties.isWhitespace || isDangerous(scalar)
        }
        return needsQuotes || text.isEmpty ? quoted(text) : text
    }

    private static func isDangerous(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }

    /// The escapes of JSON: UTF-16 code units in hexadecimal.
    private static func escape(_ scalar: Unicode.Scalar) -> String {
        UTF16.encode(scalar)?.reduce(into: "") { result, unit in
            let digits = String(unit, radix: 16)
            result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        } ?? ""
    }
}
