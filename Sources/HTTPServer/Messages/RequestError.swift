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
    case gaveWay
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
        case .headerTooSlow, .bodyPaused, .bodyTooSlow, .gaveWay: .requestTimeout
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
