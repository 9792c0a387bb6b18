import Files
import HTTPTypes

/// An error as a client reads it: type `about:blank`, the status's phrase as title, and a sentence.
///
/// - Source: RFC 9457 §3, §4.2.1
public struct Problem: Sendable, Equatable {
    /// The answer's status.
    public let status: HTTPResponse.Status
    /// One sentence that names what was wrong and what would be right.
    public let detail: String
    /// Further members, each a text, by ascending name: what clients of one interface or another look for
    /// (RFC 9457 §3.2).
    public var extensions: [String: String] = [:]

    /// An error without extensions.
    public init(status: HTTPResponse.Status, detail: String) {
        self.status = status
        self.detail = detail
    }

    /// The problem document.
    var json: [UInt8] {
        var text = #"{"type":"about:blank","title":"#
        text += JSONText.quoted(status.reasonPhrase)
        text += #","status":\#(status.code),"detail":"#
        text += JSONText.quoted(detail)
        for (name, value) in extensions.sorted(by: { $0.key < $1.key }) {
            text += "," + JSONText.quoted(name) + ":" + JSONText.quoted(value)
        }
        text += "}"
        return Array(text.utf8)
    }
}
