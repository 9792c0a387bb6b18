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
    case trailersTooLong(limit: Int)
    case bodyTooLong(limit: Int)
    case tooManyBodies(limit: Int)
    case headerTooSlow(limit: Duration)
    case bodyTooSlow(received: Int)
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
            .transferEncoding, .transferEncodingInHTTP10, .chunkSize, .chunkEnd, .chunkExtensionsTooLong,
            .contentDamaged,
            .contentTruncated, .contentTrailing:
            .badRequest
        case .headerTooSlow, .bodyTooSlow: .requestTimeout
        case .bodyTooLong: .contentTooLarge
        case .tooManyBodies, .outOfMemory: .tooManyRequests
        case .targetTooLong: .uriTooLong
        case .contentCoding: .unsupportedMediaType
        case .expectation: .expectationFailed
        case .headerTooLong, .trailersTooLong: .requestHeaderFieldsTooLarge
        case .connect, .transferCoding: .notImplemented
        case .version: .httpVersionNotSupported
        case .multipart(let error): error.status
        }
    }
}
