import HTTPTypes

/// Why a request is refused before a handler sees it, with its status and a sentence for the client.
///
/// `found` is an excerpt of what the client sent. Units: limits of lengths are in bytes, limits of numbers are counts.
enum RequestError: Error, Equatable, Sendable {
    /// The first bytes do not begin an HTTP request.
    case notHTTP(found: String)
    /// The first bytes begin a TLS handshake.
    case tls
    /// The request line is malformed.
    case requestLine(found: String)
    /// The request target is malformed, for this reason.
    case target(found: String, reason: String)
    /// The major version is not 1.
    case version(found: String)
    /// The method is CONNECT.
    case connect
    /// A line ends in a bare LF.
    case lineEnding(found: String)
    /// The request target is too long.
    case targetTooLong(limit: Int)
    /// The request line and fields are too long together.
    case headerTooLong(limit: Int)
    /// There are more fields than this number.
    case tooManyFields(limit: Int)
    /// A field line has no colon.
    case fieldLine(found: String)
    /// A field name is not a token.
    case fieldName(found: String)
    /// The value of this field holds a control character.
    case fieldValue(name: String)
    /// A field line begins with white space.
    case foldedField(found: String)
    /// An HTTP/1.1 request has no Host.
    case missingHost
    /// Host is repeated.
    case repeatedHost
    /// Host does not hold a host.
    case host(found: String)
    /// Content-Length is not a decimal number.
    case contentLength(found: String)
    /// Content-Length is repeated.
    case repeatedContentLength
    /// Content-Length and Transfer-Encoding are both present.
    case lengthAndCoding
    /// The transfer coding is not chunked.
    case transferCoding(found: String)
    /// Transfer-Encoding is malformed, or chunked is not once and last.
    case transferEncoding(found: String)
    /// An HTTP/1.0 request has Transfer-Encoding.
    case transferEncodingInHTTP10
    /// The expectation is not 100-continue.
    case expectation(found: String)
    /// A chunk's size line is malformed.
    case chunkSize(found: String)
    /// A chunk's data is not followed by CR LF.
    case chunkEnd
    /// A body's chunk extensions are too long together.
    case chunkExtensionsTooLong(limit: Int)
    /// A chunk extension is malformed.
    case chunkExtension(found: String)
    /// The trailer fields are too long together.
    case trailersTooLong(limit: Int)
    /// There are more trailer fields than this number.
    case tooManyTrailers(limit: Int)
    /// The body is too long.
    case bodyTooLong(limit: Int)
    /// The memory for bodies is used up: that for all of them, or that for one address (`isShare`). Units: bytes.
    case tooManyBodies(limit: Int, isShare: Bool)
    /// The limit of connections is reached: that of all clients, or that of one address (`isShare`). Units:
    /// connections.
    case tooManyConnections(limit: Int, isShare: Bool)
    /// The head was not complete within this time.
    case headerTooSlow(limit: Duration)
    /// No byte of the body arrived for this time; `received` bytes arrived before.
    case bodyPaused(received: Int, limit: Duration)
    /// On average the body arrived more slowly than `least` bytes a second; `received` bytes arrived.
    case bodyTooSlow(received: Int, least: Int)
    /// The request was slow, and the server needed its connection or its memory for others.
    case evicted
    /// The content coding is not supported, or there are several.
    case contentCoding(found: String)
    /// The content is not valid in this coding.
    case contentDamaged(coding: ContentCoding)
    /// The content ends before its coding does.
    case contentTruncated(coding: ContentCoding)
    /// Bytes follow the end of the coding.
    case contentTrailing(coding: ContentCoding)
    /// There was no memory to inflate the body.
    case outOfMemory
    /// The form is malformed.
    case multipart(MultipartError)

    /// The answer's status.
    var status: HTTPResponse.Status {
        switch self {
        case .notHTTP, .tls, .requestLine, .target, .lineEnding, .fieldLine, .fieldName, .fieldValue, .foldedField,
            .missingHost, .repeatedHost, .host, .contentLength, .repeatedContentLength, .lengthAndCoding,
            .transferEncoding, .transferEncodingInHTTP10, .chunkSize, .chunkEnd, .chunkExtension,
            .chunkExtensionsTooLong, .contentDamaged, .contentTruncated, .contentTrailing:
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
    /// One sentence: what is wrong, and what would be right.
    var description: String {
        switch self {
        case .notHTTP(let found):
            "The bytes '\(found)' do not begin an HTTP request; send a line such as 'GET / HTTP/1.1' first."
        case .tls:
            "This is the beginning of a TLS connection, but this port speaks plain HTTP; use http:// instead of "
                + "https://."
        case .requestLine(let found):
            "The request line '\(found)' is malformed; it must be a method, a target and 'HTTP/1.1', with one space "
                + "between them."
        case .target(let found, let reason):
            "The request target '\(found)' is malformed: \(reason)."
        case .version(let found):
            "The HTTP version '\(found)' is not supported; use HTTP/1.1 or HTTP/1.0."
        case .connect:
            "CONNECT is not supported, since this server is not a proxy; send requests for its own paths."
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
            "The field 'Host' is repeated; send it exactly once."
        case .host(let found):
            "The field 'Host' holds '\(found)', which is not a host; send a name or an address, and a port if needed."
        case .contentLength(let found):
            "The field 'Content-Length' holds '\(found)'; it must be a decimal number of bytes, of digits only."
        case .repeatedContentLength:
            "The field 'Content-Length' is repeated; send it exactly once."
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
            "The chunk extension in '\(found)' is malformed; write ';name', ';name=token' or ';name=\"text\"', or "
                + "leave it out."
        case .chunkExtensionsTooLong(let limit):
            "The chunk extensions are longer than \(limit) bytes together; leave them out."
        case .trailersTooLong(let limit):
            "The trailer fields are longer than \(limit) bytes together; leave them out."
        case .tooManyTrailers(let limit):
            "There are more than \(limit) trailer fields (server.max_header_fields); leave them out."
        case .bodyTooLong(let limit):
            "The body is longer than \(limit) bytes (server.max_body_bytes); send less at once."
        case .tooManyBodies(let limit, isShare: false):
            "The bodies of all current requests take \(limit) bytes together, the most that they may "
                + "(server.max_buffered_bytes); try again in a second."
        case .tooManyBodies(let limit, isShare: true):
            "The bodies of all current requests from this address take \(limit) bytes together, the most that they may "
                + "(server.max_buffered_bytes_per_address); send fewer at once."
        case .tooManyConnections(let limit, isShare: false):
            "All \(limit) connections are in use (server.max_connections); try again in a second."
        case .tooManyConnections(let limit, isShare: true):
            "All \(limit) connections that one address may have are in use (server.max_connections_per_address); send "
                + "requests one after another on fewer connections."
        case .headerTooSlow(let limit):
            "The request line and fields did not arrive within \(limit) (server.header_timeout); send them at once."
        case .bodyPaused(let received, let limit):
            "No byte of the body came for \(limit) (server.body_timeout), \(received) bytes so far; send it without "
                + "pauses."
        case .bodyTooSlow(let received, let least):
            "The body arrived too slowly, \(received) bytes so far; on the whole it must come with \(least) bytes a "
                + "second (server.min_body_rate)."
        case .evicted:
            "The request came so slowly that it gave way to others; send it again, without pauses."
        case .contentCoding(let found):
            "The content coding '\(found)' is not supported; send the body without one, or with one of "
                + "\(ContentCoding.accepted)."
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
