import FoundationEssentials
import HTTPTypes

extension Response {
    /// `value` as JSON, with sorted keys so that the same answer is always the same bytes.
    ///
    /// A value that JSON cannot hold (a number that is not finite) is the program's mistake: the answer is then a 500.
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

    /// JSON that is written already.
    public static func json(text: String) -> Response {
        Response(headerFields: [.contentType: "application/json"], body: Array(text.utf8))
    }
}
