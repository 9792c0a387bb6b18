import HTTPTypes

extension Response {
    /// An error as `application/problem+json`: type `about:blank`, the status's phrase as title, and `detail`, a sentence
    /// that names what was wrong and what would be right.
    ///
    /// - Source: RFC 9457 §3, §4.2.1
    public static func problem(
        _ status: HTTPResponse.Status, _ detail: String, headerFields: HTTPFields = [:]
    ) -> Response {
        var fields = headerFields
        fields[.contentType] = "application/problem+json"
        var text = #"{"type":"about:blank","title":"#
        text += quoted(status.reasonPhrase)
        text += #","status":\#(status.code),"detail":"#
        text += quoted(detail)
        text += "}"
        return Response(status: status, headerFields: fields, body: Array(text.utf8))
    }

    /// The same of a request that could not be read.
    static func problem(_ error: RequestError) -> Response {
        problem(
            error.status, error.description,
            headerFields: error.status == .tooManyRequests ? [.retryAfter: "1"] : [:])
    }

    /// `text` as a JSON string (RFC 8259 §7).
    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case let control where control.value < 0x20:
                let digits = String(control.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
