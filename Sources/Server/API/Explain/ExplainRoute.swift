import Files
import FoundationEssentials
import HTTPServer
import HTTPTypes
import Inference

/// `POST /v1/models/{model}/explain`: where in an image the network saw a class, by Grad-CAM; as JSON, or as a PNG for
/// clients that accept `image/png`.
struct ExplainRoute: Sendable {
    let service: PredictionService
    let queue: ExplanationQueue

    func callAsFunction(_ request: Request) async -> Response {
        do throws(HTTPError) {
            let model = try service.model(of: try service.slot(of: request), for: request)
            let upload = try await service.upload(of: request, for: model)
            guard upload.images.count == 1, let image = upload.images.first else {
                throw HTTPError(
                    .badRequest, "\(upload.images.count) images were sent; this path explains one image at a time.")
            }
            let classIndex = try Self.classIndex(of: request, model: model)
            let deadline = RequestDeadline(request, settings: service.settings)
            let input = try await service.predictKeepingInput(
                .encoded(image.bytes), of: request, by: model, deadline: deadline)
            let appliesOrientation = service.settings.images.applyOrientation
            let wantsPNG = request.accepts("image/png", over: ["application/json"])
            let response = await queue.perform {
                guard service.batcher.timers.now < deadline.time else {
                    return service.httpError(for: .deadlineExceeded, deadline).response
                }
                do throws(ExplanationError) {
                    let explanation = try model.explanation(of: input, classIndex: classIndex)
                    let answer = ExplanationAnswer(explanation, of: input, by: model)
                    return wantsPNG
                        ? answer.png : answer.json(image, appliesOrientation: appliesOrientation)
                } catch {
                    return .problem(.unprocessableContent, error.description)
                }
            }
            guard let response else {
                throw service.reject(
                    .queueFull,
                    .problem(
                        .tooManyRequests,
                        "Too many explanations are waited for; they are computed one after another. Try again in a second.",
                        headerFields: [.retryAfter: "1"]))
            }
            return response
        } catch {
            return error.response
        }
    }

    /// The class that the query names; nil for the most probable one.
    private static func classIndex(of request: Request, model: Model) throws(HTTPError) -> Int? {
        guard let text = request.query.values(QueryRule.className).first else { return nil }
        let isNumber = !text.isEmpty && text.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
        guard isNumber, text.utf8.count <= 9, let index = Int(text), index < model.classes.count else {
            throw HTTPError(
                .badRequest,
                "The parameter class is \"\(text.prefix(80))\"; it takes the index of a class, 0 to \(model.classes.count - 1)."
            )
        }
        return index
    }
}

/// An explanation as it is sent.
private struct ExplanationAnswer {
    private let explanation: Explanation
    private let input: PixelImage
    private let model: Model

    init(_ explanation: Explanation, of input: Tensor, by model: Model) {
        self.explanation = explanation
        self.input = model.preprocessing.image(of: input)
        self.model = model
    }

    /// The heat map over the image that the network saw.
    var png: Response {
        do throws(PNGEncoderError) {
            let bytes = try PNGEncoder.encode(explanation.map.overlay(on: input))
            return Response(status: .ok, headerFields: [.contentType: "image/png"], body: bytes)
        } catch {
            return .problem(.internalServerError, error.description)
        }
    }

    func json(_ image: ImageUpload.Image, appliesOrientation: Bool) -> Response {
        let classification = Classification(
            logits: explanation.logits, classes: model.classes, top: model.classes.count)
        guard let candidate = classification.top.first(where: { $0.index == explanation.classIndex }) else {
            return .problem(.internalServerError, "The class has no probability.")
        }
        let size = ImageHeader.shownSize(of: image.bytes, appliesOrientation: appliesOrientation)
        return .json(
            Content(
                class: candidate.label, index: candidate.index, probability: candidate.probability,
                model: model.name, version: model.version, filename: image.filename,
                heatmap: Content.HeatMap(explanation.map),
                input: Content.Input(
                    width: input.width, height: input.height, image: try? Self.url(of: input)),
                crop: size.map { Content.Crop(of: $0, by: model.preprocessing) },
                activations: explanation.firstLayer.map { maps in
                    Content.Activations(
                        layer: maps.layer, channels: maps.values.shape[0],
                        image: (try? maps.grid()).flatMap { try? Self.url(of: $0) })
                }))
    }

    private static func url(of image: PixelImage) throws(PNGEncoderError) -> String {
        "data:image/png;base64," + Data(try PNGEncoder.encode(image)).base64EncodedString()
    }

    /// The members of the JSON.
    private struct Content: Encodable {
        let `class`: String
        let index: Int
        let probability: Float
        let model: String
        let version: String
        let filename: String?
        let heatmap: HeatMap
        let input: Input
        let crop: Crop?
        let activations: Activations?

        struct HeatMap: Encodable {
            let layer: String
            let width: Int
            let height: Int
            let values: [[Double]]

            init(_ map: ClassActivationMap) {
                layer = map.layer
                width = map.width
                height = map.height
                values = (0..<map.height).map { row in
                    // Four digits: more than a screen can show.
                    map.values[row * map.width..<(row + 1) * map.width].map { (Double($0) * 10_000).rounded() / 10_000 }
                }
            }
        }

        struct Input: Encodable {
            let width: Int
            let height: Int
            let image: String?
        }

        /// The part of the image that the network saw, in the image's pixels.
        struct Crop: Encodable {
            let x: Double
            let y: Double
            let width: Double
            let height: Double
            let imageWidth: Int
            let imageHeight: Int

            private enum CodingKeys: String, CodingKey {
                case x, y, width, height
                case imageWidth = "image_width"
                case imageHeight = "image_height"
            }

            init(of size: (width: Int, height: Int), by preprocessing: Preprocessing) {
                let part = preprocessing.visiblePart(width: size.width, height: size.height)
                (x, y, width, height) = (part.x, part.y, part.width, part.height)
                (imageWidth, imageHeight) = (size.width, size.height)
            }
        }

        struct Activations: Encodable {
            let layer: String
            let channels: Int
            let image: String?
        }
    }
}
