import HTTPServer
import HTTPTypes
import Inference
import Synchronization

/// `GET /v1/models/{model}/filters`: the filters of a model's first convolution, as a PNG.
struct FiltersRoute: Sendable {
    let service: PredictionService
    private let drawing = FilterDrawing()

    init(service: PredictionService) { self.service = service }

    func callAsFunction(_ request: Request) async -> Response {
        do throws(HTTPError) {
            let model = try service.model(of: try service.slot(of: request), for: request)
            return await service.workers.perform(.normal) { drawing(model) }
        } catch {
            return error.response
        }
    }
}

/// Draws the filters of each version once.
private final class FilterDrawing: Sendable {
    private struct Drawn {
        let version: String
        let response: Response
    }

    /// The drawings by the models' names.
    private let drawn = Mutex<[String: Drawn]>([:])

    func callAsFunction(_ model: Model) -> Response {
        // Drawn under the lock, so that many requests cost no more than one.
        drawn.withLock { drawn in
            if let known = drawn[model.name], known.version == model.version { return known.response }
            let response = Self.draw(model)
            drawn[model.name] = Drawn(version: model.version, response: response)
            return response
        }
    }

    private static func draw(_ model: Model) -> Response {
        guard let filters = model.firstFilters else {
            return .problem(.unprocessableContent, "Model \(model.name) has no convolution.")
        }
        do {
            let image = try FilterGrid(filters, isBGR: model.preprocessing.colour == .bgr).image
            return Response(
                status: .ok, headerFields: [.contentType: "image/png", .cacheControl: "no-cache"],
                body: try PNGEncoder.encode(image))
        } catch {
            return .problem(.unprocessableContent, "\(error)")
        }
    }
}
