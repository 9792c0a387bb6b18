import Inference

/// What a request to a model may ask and send.
struct InferenceContract: Sendable {
    let names: TensorNames
    let rule: ShapeRule
    let classCount: Int
    let limit: ImageUpload.CountLimit
    let pixels: PixelLimits

    /// Both outputs.
    var outputs: [RequestedOutput] {
        [
            RequestedOutput(source: .probabilities, name: names.probabilities),
            RequestedOutput(source: .logits, name: names.logits),
        ]
    }

    /// - Throws: ``V2Error/outputName(found:known:)``
    func output(named name: String) throws(V2Error) -> RequestedOutput {
        guard let output = outputs.first(where: { $0.name == name }) else {
            throw .outputName(found: String(name.prefix(80)), known: outputs.map(\.name))
        }
        return output
    }
}

extension InferenceContract {
    /// That of a model under the server's limits.
    init(_ model: Model, settings: Settings) {
        self.init(
            names: model.tensorNames, rule: ShapeRule(network: model.network.inputShape.extents),
            classCount: model.classes.count,
            limit: ImageUpload.CountLimit(settings, own: model.batching),
            pixels: PixelLimits(maxPixels: settings.images.maxPixels))
    }
}
