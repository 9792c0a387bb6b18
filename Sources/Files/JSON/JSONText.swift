/// Writes JSON piece by piece, without the copies that an encoder holds.
package enum JSONText {
    /// `text` as a JSON string, with its quotes (RFC 8259 §7).
    package static func quoted(_ text: String) -> String {
        var quoted = ""
        append(text, to: &quoted)
        return quoted
    }

    /// Appends `text` as a JSON string, with its quotes (RFC 8259 §7).
    package static func append(_ text: String, to json: inout String) {
        json += "\""
        defer { json += "\"" }
        let isPlain = text.utf8.allSatisfy { $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
        guard !isPlain else { return json += text }
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": json += "\\\""
            case "\\": json += "\\\\"
            case "\n": json += "\\n"
            case "\r": json += "\\r"
            case "\t": json += "\\t"
            case let control where control.value < 0x20: json += escape(control)
            default: json.unicodeScalars.append(scalar)
            }
        }
    }

    /// A scalar as JSON's escapes: each of its UTF-16 code units in hexadecimal.
    package static func escape(_ scalar: Unicode.Scalar) -> String {
        UTF16.encode(scalar)?.reduce(into: "") { escapes, unit in
            let digits = String(unit, radix: 16)
            escapes += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
        } ?? ""
    }
}
