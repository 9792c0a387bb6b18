import HTTPTypes

/// Parses a complete head; does no I/O and keeps no state.
///
/// The fields that decide where the request ends are read from the lines as they were sent, never from a dictionary: a
/// repeated field that vanished there would let two parties disagree about the framing (request smuggling).
enum HeadParser {
    /// The longest method. The longest registered one has 17 letters. Units: bytes.
    static let maxMethodByteCount = 64

    /// Parses the first line, without its CR LF.
    ///
    /// - Source: RFC 9112 §3
    static func requestLine(_ line: UnsafeRawBufferPointer) throws(RequestError) -> RequestLine {
        // Exactly one space between the parts: leniency would allow request smuggling (RFC 9112 §3).
        guard let first = line.firstOffset(of: Octet.space),
            let second = line.firstOffset(of: Octet.space, from: first + 1),
            line.firstOffset(of: Octet.space, from: second + 1) == nil,
            first > 0, second > first + 1
        else { throw .requestLine(found: Excerpt.of(line)) }

        let rawMethod = line.slice(0..<first)
        guard rawMethod.count <= maxMethodByteCount, ByteSet.token.containsAll(rawMethod),
            let method = HTTPRequest.Method(rawMethod.text)
        else {
            throw .requestLine(found: Excerpt.of(line))
        }
        let rawTarget = line.slice(first + 1..<second)
        guard ByteSet.target.containsAll(rawTarget) else {
            throw .target(
                found: Excerpt.of(rawTarget),
                reason: "it holds a control character, '#' or bytes beyond ASCII; percent-encode them"
            )
        }
        let version = try version(line.slice(second + 1..<line.count), in: line)
        return RequestLine(method: method, target: rawTarget.text, version: version)
    }

    /// Parses `HTTP-version = "HTTP" "/" DIGIT "." DIGIT` (RFC 9112 §2.3).
    private static func version(
        _ bytes: UnsafeRawBufferPointer, in line: UnsafeRawBufferPointer
    ) throws(RequestError) -> HTTPVersion {
        switch bytes.text {
        case "HTTP/1.1": return .http11
        case "HTTP/1.0": return .http10
        case let text:
            let digits: ClosedRange<Character> = "0"..."9"
            let characters = Array(text)
            guard bytes.count == 8, text.hasPrefix("HTTP/"), characters.count == 8, characters[6] == ".",
                digits.contains(characters[5]), digits.contains(characters[7])
            else { throw .requestLine(found: Excerpt.of(line)) }
            // A higher minor version is compatible with this one (RFC 9110 §2.5).
            if characters[5] == "1" { return .http11 }
            throw .version(found: text)
        }
    }

    /// Parses the field lines in `bytes`: each with its CR LF, without the empty line that ends them.
    static func head(_ line: RequestLine, fields bytes: UnsafeRawBufferPointer) throws(RequestError) -> RequestHead {
        var fields = HTTPFields()
        var facts = FramingFacts()
        var start = 0
        while start < bytes.count {
            // RequestParser has checked every line end: CR LF, never a bare LF.
            let end = bytes.firstOffset(of: Octet.lineFeed, from: start) ?? bytes.count
            let field = try FieldLine.parse(bytes.slice(start..<max(start, end - 1)))
            try facts.note(field)
            fields.append(field)
            start = end + 1
        }

        let target = try RequestTarget(line.target, method: line.method)
        // The host of an absolute target takes precedence over Host, which is still required (RFC 9112 §3.2.2).
        try facts.checkHost(line.version)
        let framing = try facts.framing(line.version)
        let expectsContinue = try facts.expectsContinue(line.version)
        return RequestHead(
            line: line, target: target, headerFields: fields, framing: framing,
            keepsAlive: facts.keepsAlive(line.version), expectsContinue: expectsContinue,
            requestID: facts.requestID, contentType: facts.contentType, contentCodings: facts.contentCodings
        )
    }
}

/// Parses one field line: `field-name ":" OWS field-value OWS`.
///
/// - Source: RFC 9112 §5
enum FieldLine {
    /// The field in `line`, which has no CR LF.
    static func parse(_ line: UnsafeRawBufferPointer) throws(RequestError) -> HTTPField {
        // A line that begins with white space continues the one before (folding); a server must refuse it (RFC 9112
        // §5.2).
        if let first = line.first, first == Octet.space || first == Octet.tab {
            throw .foldedField(found: Excerpt.of(line))
        }
        guard let colon = line.firstOffset(of: Octet.colon) else { throw .fieldLine(found: Excerpt.of(line)) }
        // White space before the colon, which was used to smuggle fields past proxies, is not a token character and so
        // is refused, too (RFC 9112 §5.1).
        let rawName = line.slice(0..<colon)
        guard !rawName.isEmpty, ByteSet.token.containsAll(rawName), let name = HTTPField.Name(rawName.text) else {
            throw .fieldName(found: Excerpt.of(rawName))
        }
        let value = line.slice(colon + 1..<line.count).trimmed
        // NUL, CR and other control characters are refused instead of replaced (RFC 9110 §5.5).
        guard ByteSet.fieldValue.containsAll(value) else { throw .fieldValue(name: name.rawName) }
        // A value that is not UTF-8 keeps its bytes: obs-text is opaque data (RFC 9110 §5.5).
        guard let text = value.validText else { return HTTPField(name: name, value: value) }
        return HTTPField(name: name, value: text)
    }
}

/// What a head's fields say about the body's framing and the connection, collected line by line so that no repeated
/// field is missed.
struct FramingFacts {
    private var hosts = 0
    private var lengths = 0
    private var length = 0
    private var codings: [String] = []
    private var hasTransferEncoding = false
    private var connectionOptions: [String] = []
    private var expectations: [String] = []
    /// The elements of `Content-Encoding`, in the order in which they were applied.
    private(set) var contentCodings: [String] = []
    /// The value of the first `X-Request-ID`.
    private(set) var requestID: String?
    /// The value of the first `Content-Type`.
    private(set) var contentType: String?

    /// Takes one field into account.
    mutating func note(_ field: HTTPField) throws(RequestError) {
        switch field.name.canonicalName {
        case "host":
            hosts += 1
            guard hosts == 1 else { throw .repeatedHost }
            guard HostField.isValid(field.value.utf8) else {
                throw .host(found: Excerpt.of(field.value))
            }
        case "content-length":
            lengths += 1
            // The same number repeated is refused as well: no client sends it, and proxies treat it differently
            // (RFC 9110 §8.6 allows either).
            guard lengths == 1 else { throw .repeatedContentLength }
            guard let number = Self.decimal(field.value) else {
                throw .contentLength(found: Excerpt.of(field.value))
            }
            length = number
        case "transfer-encoding":
            hasTransferEncoding = true
            codings += Self.list(field.value, omittingEmpty: false)
        case "connection": connectionOptions += Self.list(field.value)
        case "expect": expectations += Self.list(field.value)
        case "content-encoding": contentCodings += Self.list(field.value)
        case "x-request-id": if requestID == nil { requestID = field.value }
        case "content-type": if contentType == nil { contentType = field.value }
        default: break
        }
    }

    /// Checks that HTTP/1.1 has a Host; a repeated one has been refused already (RFC 9112 §3.2).
    func checkHost(_ version: HTTPVersion) throws(RequestError) {
        if version == .http11 && hosts == 0 { throw .missingHost }
    }

    /// Where the body ends (RFC 9112 §6.3).
    func framing(_ version: HTTPVersion) throws(RequestError) -> BodyFraming {
        guard hasTransferEncoding else { return lengths == 0 ? .none : .fixed(length) }
        // HTTP/1.0 has no transfer codings, so the framing is faulty (RFC 9112 §6.1).
        guard version == .http11 else { throw .transferEncodingInHTTP10 }
        // A message with both ought to be handled as an error (RFC 9112 §6.3, rule 3).
        guard lengths == 0 else { throw .lengthAndCoding }
        // Chunked must be applied once and last: a coding after it would hide the end of the body (RFC 9112 §6.1, §6.3
        // rule 4).
        let isOrdered = codings.dropLast().allSatisfy { $0 != "chunked" }
        guard isOrdered, codings.allSatisfy(Self.isTransferCoding) else {
            throw .transferEncoding(found: Excerpt.of(codings.joined(separator: ", ")))
        }
        // An unknown coding is answered with 501 (RFC 9112 §6.1).
        if let unknown = codings.first(where: { $0 != "chunked" }) {
            throw .transferCoding(found: Excerpt.of(unknown))
        }
        return .chunked
    }

    /// Whether a lowercased element is `token *( OWS ";" parameter )`; chunked has no parameters (RFC 9112 §7, §7.1).
    private static func isTransferCoding(_ element: String) -> Bool {
        guard let end = element.utf8.firstIndex(of: UInt8(ascii: ";")) else {
            return !element.isEmpty && element.utf8.allSatisfy(ByteSet.token.contains)
        }
        let name = element[..<end].utf8.filter { $0 != Octet.space && $0 != Octet.tab }
        return !name.isEmpty && name.allSatisfy(ByteSet.token.contains) && !name.elementsEqual("chunked".utf8)
    }

    /// Whether the client wants the connection to stay open (RFC 9112 §9.3).
    func keepsAlive(_ version: HTTPVersion) -> Bool {
        if connectionOptions.contains("close") { return false }
        return version == .http11 || connectionOptions.contains("keep-alive")
    }

    /// Whether the client waits for `100 Continue`; in HTTP/1.0 the expectation is ignored (RFC 9110 §10.1.1).
    func expectsContinue(_ version: HTTPVersion) throws(RequestError) -> Bool {
        guard version == .http11 else { return false }
        if let unknown = expectations.first(where: { $0 != "100-continue" }) {
            throw .expectation(found: Excerpt.of(unknown))
        }
        return !expectations.isEmpty
    }

    /// `1*DIGIT`: no sign, no blank, no other base (RFC 9110 §8.6). A number that `Int` cannot hold is well-formed, too: it counts as the
    /// largest, which is above every limit.
    static func decimal(_ text: String) -> Int? {
        guard !text.isEmpty else { return nil }
        var value = 0
        for byte in text.utf8 {
            guard case UInt8(ascii: "0")...UInt8(ascii: "9") = byte else { return nil }
            let (product, overflowed) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflowedToo) = product.addingReportingOverflow(Int(byte - UInt8(ascii: "0")))
            value = overflowed || overflowedToo ? .max : sum
        }
        return value
    }

    /// The lowercased elements of a comma-separated list (RFC 9110 §5.6.1).
    private static func list(_ value: String, omittingEmpty: Bool = true) -> [String] {
        value.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: omittingEmpty)
            .map { element in
                var bytes = element
                while let first = bytes.first, first == Octet.space || first == Octet.tab { bytes.removeFirst() }
                while let last = bytes.last, last == Octet.space || last == Octet.tab { bytes.removeLast() }
                return String(Substring(bytes)).lowercased()
            }
            .filter { !omittingEmpty || !$0.isEmpty }
    }
}
