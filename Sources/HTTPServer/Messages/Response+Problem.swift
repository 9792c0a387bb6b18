import HTTPTypes

extension Response {
    /// An error as `application/problem+json`, with a sentence that names what was wrong and what would be right.
    public static func problem(
        _ status: HTTPResponse.Status, _ detail: String, headerFields: HTTPFields = [:]
    ) -> Response {
        var response = Response(status: status, headerFields: headerFields)
        response.problem = Problem(status: status, detail: detail)
        return response
    }

    /// The same of a request that could not be read.
    static func problem(_ error: RequestError) -> Response {
        var fields = HTTPFields()
        if [.tooManyRequests, .serviceUnavailable].contains(error.status) { fields[.retryAfter] = "1" }
        // Tells that the coding was at fault and not the media type (RFC 9110 §15.5.16).
        if case .contentCoding = error { fields[.acceptEncoding] = ContentCoding.accepted }
        return problem(error.status, error.description, headerFields: fields)
    }
}
