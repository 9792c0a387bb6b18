import Testing

/// Bytes that a client sends on a connection, and what has to come of them.
struct HTTPCase: Sendable {
    /// What becomes of the connection.
    enum Fate: String, Sendable {
        /// The next request on the connection is answered.
        case stays = "stays open"
        /// The last answer says `Connection: close`, and nothing follows it.
        case closes
        /// No answer comes, and the connection is closed.
        case ends = "closes without an answer"
    }

    /// What is sent, for the documentation.
    let name: String
    /// The paragraph that asks for it, or leaves it to the server.
    let rule: String
    let bytes: [UInt8]
    /// The answers' statuses, in their order.
    let statuses: [Int]
    let fate: Fate
    /// Whether the client ends its stream after the bytes.
    var endsStream = false
    /// Whether the first request is HEAD, whose answer has no content.
    var isHead = false

    /// A case with one answer.
    init(_ name: String, _ rule: String, _ text: String, _ status: Int, _ fate: Fate) {
        self.init(name, rule, bytes: Array(text.utf8), [status], fate)
    }

    /// A case with any number of answers.
    init(
        _ name: String, _ rule: String, bytes: [UInt8], _ statuses: [Int], _ fate: Fate, endsStream: Bool = false,
        isHead: Bool = false
    ) {
        self.name = name
        self.rule = rule
        self.bytes = bytes
        self.statuses = statuses
        self.fate = fate
        self.endsStream = endsStream
        self.isHead = isHead
    }
}

/// Cases of one subject.
struct HTTPCaseGroup: Sendable, CustomTestStringConvertible {
    let title: String
    let cases: [HTTPCase]

    var testDescription: String { title }

    /// All of them, in the order of a request.
    static let all = [
        requestLines, targets, hosts, fields, contentLengths, transferEncodings, chunks, trailers, expectations,
        contentCodings, forms, images, methods, persistence, partialRequests,
    ]
}

extension HTTPCase {
    /// A request with these fields, and Host.
    static func request(_ line: String, _ fields: [String] = [], body: String = "") -> String {
        ([line, "Host: a"] + fields).joined(separator: "\r\n") + "\r\n\r\n" + body
    }

    /// A GET of a path that exists, with these fields.
    static func get(_ fields: String...) -> String { request("GET /healthz HTTP/1.1", fields) }

    /// A POST of a chunked body.
    static func chunked(_ body: String) -> String {
        request("POST /predict HTTP/1.1", ["Content-Type: image/png", "Transfer-Encoding: chunked"], body: body)
    }

    /// A POST of these bytes.
    static func post(_ body: [UInt8], _ fields: String..., line: String = "POST /predict HTTP/1.1") -> [UInt8] {
        Array(request(line, fields + ["Content-Length: \(body.count)"]).utf8) + body
    }
}
