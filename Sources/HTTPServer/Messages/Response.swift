import Files
import FoundationEssentials
import HTTPTypes

/// A handler's answer.
///
/// The connection adds Content-Length, Date, Connection and X-Request-ID, and omits the body where HTTP forbids one
/// (HEAD, 204, 304).
/// - Source: RFC 9110 §3.4, §15
public struct Response: Sendable {
    /// The status code and its reason phrase.
    public var status: HTTPResponse.Status
    /// Further fields. Content-Length, Transfer-Encoding, Connection, Date and X-Request-ID are set by the connection,
    /// and ignored here.
    public var headerFields: HTTPFields
    /// The content.
    public var body: [UInt8]
    /// Returns fields for the access log, which are never sent; called only if there is such a log.
    public var annotations: @Sendable () -> [String: String]
    /// The error that this answer reports, if any; setting it also sets ``status``, ``body`` and its type.
    public var problem: Problem? {
        didSet {
            guard let problem else { return }
            status = problem.status
            headerFields[.contentType] = "application/problem+json"
            body = problem.json
        }
    }

    /// A response with these values.
    public init(
        status: HTTPResponse.Status = .ok,
        headerFields: HTTPFields = [:],
        body: [UInt8] = [],
        annotations: @escaping @Sendable () -> [String: String] = { [:] }
    ) {
        self.status = status
        self.headerFields = headerFields
        self.body = body
        self.annotations = annotations
    }

    /// Plain text in UTF-8.
    public static func text(
        _ text: String, status: HTTPResponse.Status = .ok, contentType: String = "text/plain; charset=utf-8"
    ) -> Response {
        Response(status: status, headerFields: [.contentType: contentType], body: Array(text.utf8))
    }
}

extension Response {
    /// `value` as JSON, with sorted keys, so that equal answers are equal bytes.
    ///
    /// A value that JSON cannot represent (a number that is not finite) is a bug of the program and answered with 500.
    public static func json<T: Encodable>(_ value: T, status: HTTPResponse.Status = .ok) -> Response {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            let data = try encoder.encode(value)
            return Response(status: status, headerFields: [.contentType: "application/json"], body: Array(data))
        } catch {
            return .problem(.internalServerError, "The answer could not be written as JSON.")
        }
    }

    /// JSON that is already encoded.
    public static func json(text: String) -> Response {
        Response(headerFields: [.contentType: "application/json"], body: Array(text.utf8))
    }
}

/// A problem document: type `about:blank`, the status's phrase as title, and one sentence of detail.
///
/// - Source: RFC 9457 §3, §4.2.1
public struct Problem: Sendable, Equatable {
    /// The answer's status.
    public let status: HTTPResponse.Status
    /// One sentence: what is wrong, and what would be right.
    public let detail: String
    /// Further members, by name, that clients of one API or another expect (RFC 9457 §3.2). They are sent in ascending
    /// order.
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

extension Response {
    /// An error as `application/problem+json`, with one sentence: what is wrong, and what would be right.
    public static func problem(
        _ status: HTTPResponse.Status, _ detail: String, headerFields: HTTPFields = [:]
    ) -> Response {
        var response = Response(status: status, headerFields: headerFields)
        response.problem = Problem(status: status, detail: detail)
        return response
    }

    /// The answer to a request that is refused before a handler sees it.
    static func problem(_ error: RequestError) -> Response {
        var fields = HTTPFields()
        if [.tooManyRequests, .serviceUnavailable].contains(error.status) { fields[.retryAfter] = "1" }
        // Tells the client that the coding is not supported, rather than the media type (RFC 9110 §15.5.16).
        if case .contentCoding = error { fields[.acceptEncoding] = ContentCoding.accepted }
        return problem(error.status, error.description, headerFields: fields)
    }
}
