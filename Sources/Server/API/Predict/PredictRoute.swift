import HTTPServer
import Inference

/// `POST /predict` and `POST /v1/models/{model}/predict`: class and probability of each uploaded image.
struct PredictRoute: Sendable {
    let service: PredictionService

    func callAsFunction(_ request: Request) async -> Response {
        do throws(HTTPError) {
            let model = try service.model(of: try service.slot(of: request), for: request)
            let upload = try await service.upload(of: request, for: model)
            let top = try PredictionParameters(request, upload, classCount: model.classes.count).top
            return await service.answer(
                upload.images.map { .encoded($0.bytes) }, of: request, by: model,
                deadline: RequestDeadline(request, settings: service.settings), valueCount: upload.images.count * top
            ) { answer($0, upload: upload, model: model, top: top) }
        } catch {
            return error.response
        }
    }

    private func answer(_ report: PredictionReport, upload: ImageUpload, model: Model, top: Int) -> Response {
        let results = zip(report.predictions, upload.images).map {
            prediction, image -> Result<PredictionAnswer, ImageFailure> in
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

/// The parameters of a request for predictions: from its query, from fields of its form, or from members of its JSON.
///
/// A form's field without a file, or a JSON member, is a parameter if it has the name of one, or another server's name
/// for it. All others are ignored: web pages send tokens and the name of the button that was pressed.
struct PredictionParameters: Sendable, Equatable {
    /// How many classes an answer lists, from 1 to the number of classes.
    let top: Int

    /// The default of ``top``.
    private static let defaultTop = 5

    /// - Throws: ``HTTPError`` of 400 if `top` is not a number, occurs twice, or is misspelt.
    init(_ request: Request, _ upload: ImageUpload, classCount: Int) throws(HTTPError) {
        var texts = request.query.values(QueryRule.topName) + (try Self.fields(of: request.body))
        for member in upload.parameters {
            guard member.name == QueryRule.topName else {
                throw Self.badRequest(
                    "The member \"\(member.name)\" is unknown; did you mean \"top\", as in \"top\": 3?")
            }
            texts.append(member.value)
        }
        guard texts.count <= 1 else {
            throw Self.badRequest("top occurs \(texts.count) times in the query and the content; send it once.")
        }
        guard let text = texts.first else {
            top = min(Self.defaultTop, classCount)
            return
        }
        guard !text.isEmpty, text.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }),
            text.utf8.count <= 9, let count = Int(text), count > 0
        else {
            throw Self.badRequest(
                "The parameter top is \"\(text.prefix(80))\"; it takes a whole number from 1 to \(classCount).")
        }
        top = min(count, classCount)
    }

    /// The values of `top` in a form.
    private static func fields(of body: RequestBody) throws(HTTPError) -> [String] {
        guard case .multipart(let parts) = body else { return [] }
        var texts: [String] = []
        for part in parts where part.filename == nil {
            guard let name = part.name, name != "image", QueryRule.meansTop(name) else { continue }
            guard name == QueryRule.topName else {
                throw badRequest("The form's field \"\(name)\" is unknown; did you mean top, as in -F top=3?")
            }
            texts.append(String(decoding: part.bytes.prefix(80), as: UTF8.self))
        }
        return texts
    }

    private static func badRequest(_ detail: String) -> HTTPError { HTTPError(.badRequest, detail) }
}
