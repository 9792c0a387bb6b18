import HTTPServer
import HTTPTypes

/// What a request for predictions says beside its pictures: in its query, in a field of its form, or in its JSON.
///
/// A field without a file, or a member, that is called as a parameter, or as other servers call it, is one; all others are the page's
/// own, as a token or the button that was pressed, and are not read.
struct PredictionParameters: Sendable, Equatable {
    /// How many classes an answer lists: 1 or more, and at most as many as there are.
    let top: Int

    /// How many classes an answer lists where the client does not say.
    private static let defaultTop = 5

    /// - Throws: ``Refusal`` of 400 for a number that is none, that is there twice, or whose name is misspelt.
    init(_ request: Request, _ upload: ImageUpload, classCount: Int) throws(Refusal) {
        var texts = request.query.values(QueryRule.topName) + (try Self.fields(of: request.body))
        for member in upload.parameters {
            guard member.name == QueryRule.topName else {
                throw Self.refusal(
                    "The member \"\(member.name)\" is not known here; did you mean \"top\", as in \"top\": 3?")
            }
            texts.append(member.value)
        }
        guard texts.count <= 1 else {
            throw Self.refusal("top is there \(texts.count) times, in the query and in the content; send it once.")
        }
        guard let text = texts.first else {
            top = min(Self.defaultTop, classCount)
            return
        }
        guard !text.isEmpty, text.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }),
            text.utf8.count <= 9, let count = Int(text), count > 0
        else {
            let error = QueryError(
                name: QueryRule.topName, found: String(text.prefix(80)),
                expected: "a whole number from 1 to \(classCount)")
            throw Self.refusal(error.description)
        }
        top = min(count, classCount)
    }

    /// The form's values of `top`.
    private static func fields(of body: RequestBody) throws(Refusal) -> [String] {
        guard case .multipart(let parts) = body else { return [] }
        var texts: [String] = []
        for part in parts where part.filename == nil {
            guard let name = part.name, name != "image", QueryRule.meansTop(name) else { continue }
            guard name == QueryRule.topName else {
                throw refusal("The form's field \"\(name)\" is not known here; did you mean top, as in -F top=3?")
            }
            texts.append(String(decoding: part.bytes.prefix(80), as: UTF8.self))
        }
        return texts
    }

    private static func refusal(_ detail: String) -> Refusal { Refusal(response: .problem(.badRequest, detail)) }
}
