import HTTPTypes

/// Why a request cannot be read, with the status that it deserves and a sentence for its sender.
enum RequestError: Error, Equatable, Sendable {
    case notHTTP(found: String)
    case tls
    case requestLine(found: String)
    case target(found: String, reason: String)
    case version(found: String)
    case connect
    case lineEnding(found: String)
    case targetTooLong(limit: Int)
    case headerTooLong(limit: Int)
    case tooManyFields(limit: Int)
    case fieldLine(found: String)
    case fieldName(found: String)
    case fieldValue(name: String)
    case foldedField(found: String)
    case missingHost
    case repeatedHost
    case host(found: String)
    case contentLength(found: String)
    case repeatedContentLength
    case lengthAndCoding
    case transferCoding(found: String)
    case transferEncoding(found: String)
    case transferEncodingInHTTP10
    case expectation(found: String)
    case chunkSize(found: String)
    case chunkEnd
    case chunkExtensionsTooLong(limit: Int)
    case chunkExtension(found: String)
    case trailersTooLong(limit: Int)
    case tooManyTrailers(limit: Int)
    case bodyTooLong(limit: Int)
    case tooManyBodies(limit: Int, isShare: Bool)
    case tooManyConnections(limit: Int, isShare: Bool)
    case headerTooSlow(limit: Duration)
    /// No byte came for so long.
    case bodyPaused(received: Int, limit: Duration)
    /// The rate was too low on the whole. Units: bytes a second.
    case bodyTooSlow(received: Int, least: Int)
    /// The request was slow, and others wanted its place or its memory.
    case evicted
    case contentCoding(found: String)
    case contentDamaged(coding: ContentCoding)
    case contentTruncated(coding: ContentCoding)
    case contentTrailing(coding: ContentCoding)
    case outOfMemory
    case multipart(MultipartError)

    /// The status that tells the client which of its mistakes this is.
    var status: HTTPResponse.Status {
        switch self {
        case .notHTTP, .tls, .requestLine, .target, .lineEnding, .fieldLine, .fieldName, .fieldValue, .foldedField,
            .missingHost, .repeatedHost, .host, .contentLength, .repeatedContentLength, .lengthAndCoding,
            .transferEncoding, .transferEncodingInHTTP10, .chunkSize, .chunkEnd, .chunkExtension,
            .chunkExtensionsTooLong,
            .contentDamaged,
            .contentTruncated, .contentTrailing:
            .badRequest
        case .headerTooSlow, .bodyPaused, .bodyTooSlow, .evicted: .requestTimeout
        case .bodyTooLong: .contentTooLarge
        case .tooManyBodies, .outOfMemory: .tooManyRequests
        case .tooManyConnections: .serviceUnavailable
        case .targetTooLong: .uriTooLong
        case .contentCoding: .unsupportedMediaType
        case .expectation: .expectationFailed
        case .headerTooLong, .tooManyFields, .trailersTooLong, .tooManyTrailers: .requestHeaderFieldsTooLarge
        case .connect, .transferCoding: .notImplemented
        case .version: .httpVersionNotSupported
        case .multipart(let error): error.status
        }
    }
}

extension RequestError: CustomStringConvertible {
    /// One sentence that says what was wrong and what would be right.
    var description: String {
        switch self {
        case .notHTTP(let found):
            "The bytes '\(found)' do not begin an HTTP request; send a line such as 'GET / HTTP/1.1' first."
        case .tls:
            "This is the beginning of a TLS connection, but this port speaks plain HTTP; use http:// instead of https://."
        case .requestLine(let found):
            "The request line '\(found)' is malformed; it must be a method, a target and 'HTTP/1.1', with one space "
                + "between them."
        case .target(let found, let reason):
            "The request target '\(found)' is malformed: \(reason)."
        case .version(let found):
            "The HTTP version '\(found)' is not spoken here; use HTTP/1.1 or HTTP/1.0."
        case .connect:
            "CONNECT is not served, since this server is no proxy; send requests for its own paths."
        case .lineEnding(let found):
            "The line '\(found)' does not end in CR LF; every line of a request's head and of its chunks must."
        case .targetTooLong(let limit):
            "The request target is longer than \(limit) bytes; shorten the path or the query, or send data in the body."
        case .headerTooLong(let limit):
            "The request line and fields are longer than \(limit) bytes together; send fewer or shorter fields "
                + "(cookies, for instance)."
        case .tooManyFields(let limit):
            "The request has more than \(limit) fields (server.max_header_fields); send fewer."
        case .fieldLine(let found):
            "The field line '\(found)' has no colon; write it as 'Name: value'."
        case .fieldName(let found):
            "The field name '\(found)' is malformed; it must be letters, digits or one of !#$%&'*+-.^_`|~, with the "
                + "colon right behind it."
        case .fieldValue(let name):
            "The value of the field '\(name)' holds a control character (NUL, CR or the like); send only visible "
                + "characters, spaces and tabs."
        case .foldedField(let found):
            "The line '\(found)' begins with a space, as a folded field did in old versions of HTTP; write each field "
                + "on one line."
        case .missingHost:
            "The field 'Host' is missing; every HTTP/1.1 request must carry it once."
        case .repeatedHost:
            "The field 'Host' is there more than once; send it exactly once."
        case .host(let found):
            "The field 'Host' holds '\(found)', which is no host; send a name or an address, and a port if needed."
        case .contentLength(let found):
            "The field 'Content-Length' holds '\(found)'; it must be a decimal number of bytes, of digits only."
        case .repeatedContentLength:
            "The field 'Content-Length' is there more than once; send it exactly once."
        case .lengthAndCoding:
            "The request carries both 'Content-Length' and 'Transfer-Encoding'; send only one of them."
        case .transferCoding(let found):
            "The transfer coding '\(found)' is not implemented; send the body with 'Content-Length' or "
                + "'Transfer-Encoding: chunked'."
        case .transferEncoding(let found):
            "The field 'Transfer-Encoding' holds '\(found)'; it must be 'chunked', once and last."
        case .transferEncodingInHTTP10:
            "A request of HTTP/1.0 cannot have a 'Transfer-Encoding'; use HTTP/1.1 or 'Content-Length'."
        case .expectation(let found):
            "The expectation '\(found)' cannot be met; only '100-continue' can."
        case .chunkSize(let found):
            "The chunk size line '\(found)' is malformed; it must be a hexadecimal number of bytes."
        case .chunkEnd:
            "A chunk is longer than its size says; CR LF must follow exactly that many bytes."
        case .chunkExtension(let found):
            "The chunk extension in '\(found)' is malformed; it must be ';name', ';name=token' or ';name=\"text\"', or be left "
                + "out."
        case .chunkExtensionsTooLong(let limit):
            "The chunk extensions are longer than \(limit) bytes together; leave them out."
        case .trailersTooLong(let limit):
            "The trailer fields are longer than \(limit) bytes together; leave them out."
        case .tooManyTrailers(let limit):
            "There are more than \(limit) trailer fields (server.max_header_fields); leave them out."
        case .bodyTooLong(let limit):
            "The body is longer than \(limit) bytes (server.max_body_bytes); send less at once."
        case .tooManyBodies(let limit, isShare: false):
            "The bodies of the requests that are under way take \(limit) bytes together (server.max_buffered_bytes), as many as "
                + "they may; try again in a second."
        case .tooManyBodies(let limit, isShare: true):
            "The bodies of the requests from this address take \(limit) bytes together "
                + "(server.max_buffered_bytes_per_address), as many as they may; send fewer at once."
        case .tooManyConnections(let limit, isShare: false):
            "All \(limit) connections are in use (server.max_connections); try again in a second."
        case .tooManyConnections(let limit, isShare: true):
            "All \(limit) connections that one address may have are in use (server.max_connections_per_address); send requests "
                + "one behind the other on fewer connections."
        case .headerTooSlow(let limit):
            "The request line and fields did not arrive within \(limit) (server.header_timeout); send them at once."
        case .bodyPaused(let received, let limit):
            "No byte of the body came for \(limit) (server.body_timeout), \(received) bytes so far; send it without pauses."
        case .bodyTooSlow(let received, let least):
            "The body arrived too slowly, \(received) bytes so far; on the whole it must come with \(least) bytes a second "
                + "(server.min_body_rate)."
        case .evicted:
            "The request came so slowly that it gave way to others; send it again, without pauses."
        case .contentCoding(let found):
            "The content coding '\(found)' is not taken; send the body as it is, or with one of \(ContentCoding.accepted)."
        case .contentDamaged(let coding):
            "The body is announced as \(coding), but its bytes are not; \(coding.form)."
        case .contentTruncated(let coding):
            "The body ends in the middle of its \(coding) data; send all of them."
        case .contentTrailing(let coding):
            "Bytes follow the end of the body's \(coding) data; send nothing behind it."
        case .outOfMemory:
            "There is no memory left to decode the body with; try again in a second."
        case .multipart(let error):
            error.description
        }
    }
}
