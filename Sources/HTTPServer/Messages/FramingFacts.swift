import HTTPTypes

/// What a head's fields say about the body's end and the connection, gathered line by line so that nothing repeated
/// goes unseen.
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

    /// Takes note of one field.
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
            // Even a repetition of the same number is refused: no client sends it, and proxies disagree about it
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

    /// Host is required once in HTTP/1.1; a repeated one has been refused already (RFC 9112 §3.2).
    func checkHost(_ version: HTTPVersion) throws(RequestError) {
        if version == .http11 && hosts == 0 { throw .missingHost }
    }

    /// Where the body ends (RFC 9112 §6.3).
    func framing(_ version: HTTPVersion) throws(RequestError) -> BodyFraming {
        guard hasTransferEncoding else { return lengths == 0 ? .none : .fixed(length) }
        // HTTP/1.0 knows no transfer codings; the message's framing is faulty (RFC 9112 §6.1).
        guard version == .http11 else { throw .transferEncodingInHTTP10 }
        // A message with both ought to be handled as an error (RFC 9112 §6.3, rule 3).
        guard lengths == 0 else { throw .lengthAndCoding }
        // Chunked must not be applied twice, and what is applied behind it hides where the body ends (RFC 9112 §6.1, §6.3 rule 4).
        let isOrdered = codings.dropLast().allSatisfy { $0 != "chunked" }
        guard isOrdered, codings.allSatisfy(Self.isTransferCoding) else {
            throw .transferEncoding(found: Excerpt.of(codings.joined(separator: ", ")))
        }
        // A coding that is not understood is answered with 501 (RFC 9112 §6.1).
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

    /// Whether the client lets the connection stay open (RFC 9112 §9.3).
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

    /// `1*DIGIT`: no sign, no blank, no other base, no overflow (RFC 9110 §8.6).
    static func decimal(_ text: String) -> Int? {
        guard !text.isEmpty else { return nil }
        var value = 0
        for byte in text.utf8 {
            guard case UInt8(ascii: "0")...UInt8(ascii: "9") = byte else { return nil }
            let (product, overflowed) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflowedToo) = product.addingReportingOverflow(Int(byte - UInt8(ascii: "0")))
            guard !overflowed, !overflowedToo else { return nil }
            value = sum
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
