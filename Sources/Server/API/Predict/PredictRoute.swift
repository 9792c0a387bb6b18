import HTTPServer
import HTTPTypes
import Inference

/// `POST /predict` and `POST /v1/models/{model}/predict`: class and probability of each uploaded image.
struct PredictRoute: Sendable {
    let service: PredictionService

    func callAsFunction(_ request: Request) async -> Response {
        do throws(HTTPError) {
            let model = try service.model(of: try slot(of: request), for: request)
            let upload = try await upload(
                of: request, limit: ImageUpload.CountLimit(service.settings, own: model.batching))
            let top = try PredictionParameters(request, upload, classCount: model.classes.count).top
            return await service.answer(
                upload.images.map { .encoded($0.bytes) }, of: request, by: model,
                deadline: RequestDeadline(request, settings: service.settings), valueCount: upload.images.count * top
            ) { answer($0, upload: upload, model: model, top: top) }
        } catch {
            return error.response
        }
    }

    private func upload(of request: Request, limit: ImageUpload.CountLimit) async throws(HTTPError) -> ImageUpload {
        let type = ImageUpload.mediaType(of: request) ?? ImageUpload.guessedType(of: request.body)
        let parse = { @Sendable in
            Result { () throws(UploadError) in try ImageUpload(request.body, type: type, limit: limit) }
        }
        // Base64 of many megabytes takes a while: away from the threads that answer everybody, but ahead of the decoding that
        // waits, since until it is parsed nobody knows whose turn it would be.
        let parsed = type == ImageUpload.json ? await service.workers.perform(.high, parse) : parse()
        return try parsed.mapError { HTTPError(response: .problem($0.status, $0.description)) }.get()
    }

    /// The model that the path names, or the default.
    private func slot(of request: Request) throws(HTTPError) -> ModelSlot {
        if request.pathParameters["model"] != nil { return try service.store.slot(of: request) }
        guard let slot = service.store.defaultSlot else { throw service.noDefault() }
        return slot
    }

    private func answer(_ report: PredictionReport, upload: ImageUpload, model: Model, top: Int) -> Response {
        let results = zip(report.predictions, upload.images).map {
            prediction, image -> Result<PredictionAnswer, PictureFailure> in
            prediction.map { logits in
                let classification = Classification(logits: logits, classes: model.classes, top: top)
                service.metrics.prediction(model: model.name, class: classification.best.label)
                return PredictionAnswer(classification, by: model, filename: image.filename)
            }
        }
        switch (results.count, results[0]) {
        case (1, .success(let answer)): return .json(text: answer.json)
        case (1, .failure(let error)): return .problem(error.status, error.description)
        default:
            let entries = zip(results, upload.images).map { result, image -> PredictionEntry in
                switch result {
                case .success(let answer): .answer(answer)
                case .failure(let error):
                    .error(status: error.status.code, detail: error.description, filename: image.filename)
                }
            }
            return .json(text: #"{"predictions":[\#(entries.map(\.json).joined(separator: ","))]}"#)
        }
    }
}

/// What a request for predictions says beside its images: in its query, in a field of its form, or in its JSON.
///
/// A field without a file, or a member, that is called as a parameter, or as other servers call it, is one; all others are the page's
/// own, as a token or the button that was pressed, and are not read.
struct PredictionParameters: Sendable, Equatable {
    /// How many classes an answer lists: 1 or more, and at most as many as there are.
    let top: Int

    /// How many classes an answer lists where the client does not say.
    private static let defaultTop = 5

    /// - Throws: ``HTTPError`` of 400 for a number that is none, that is there twice, or whose name is misspelt.
    init(_ request: Request, _ upload: ImageUpload, classCount: Int) throws(HTTPError) {
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
    private static func fields(of body: RequestBody) throws(HTTPError) -> [String] {
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

    private static func refusal(_ detail: String) -> HTTPError { HTTPError(response: .problem(.badRequest, detail)) }
}

/// A parameter of a query or a form that cannot be used.
struct QueryError: Error, Equatable, Sendable, CustomStringConvertible {
    let name: String
    let found: String
    let expected: String

    var description: String { "The parameter \(name) is \"\(found)\"; it takes \(expected)." }
}
