import Inference

/// What a request to a model may ask and send.
struct ModelSignature: Sendable {
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

extension ModelSignature {
    /// That of a model under the server's limits.
    init(_ model: Model, settings: Settings) {
        self.init(
            names: model.tensorNames, rule: ShapeRule(network: model.network.inputShape.extents),
            classCount: model.classes.count,
            limit: ImageUpload.CountLimit(settings, own: model.batching),
            pixels: PixelLimits(maxPixels: settings.images.maxPixels))
    }
}

/// Which shapes a model's input may have.
struct ShapeRule: Equatable, Sendable {
    /// `[C, H, W]`, as the network takes it.
    let network: [Int]

    /// Every form, for a sentence.
    var all: String {
        "FP32 [N, \(network.map { "\($0)" }.joined(separator: ", "))] (normalised), UINT8 [N, H, W, 3] or [N, H, W, 1] "
            + "(pixels of any size) or BYTES [N] (encoded images)"
    }

    /// How many scalars, or encoded images, a tensor of this shape has; the first extent counts images.
    ///
    /// - Throws: ``V2Error`` where it does not fit, or asks for more images or pixels than are taken.
    func elementCount(
        _ datatype: TensorDatatype, _ extents: [Int], limit: ImageUpload.CountLimit, pixels: PixelLimits
    ) throws(V2Error) -> Int {
        guard let imageCount = extents.first, imageCount > 0, fits(datatype, Array(extents.dropFirst())) else {
            throw .shape(found: extents, self)
        }
        guard imageCount <= limit.count else {
            throw .upload(.tooManyImages(found: imageCount, limit: limit))
        }
        if datatype == .uint8 {
            try pixels.check(height: extents[1], width: extents[2])
        }
        return extents.reduce(1, *)
    }

    private func fits(_ datatype: TensorDatatype, _ image: [Int]) -> Bool {
        switch datatype {
        case .float32: image == network
        case .uint8: image.count == 3 && image[0] > 0 && image[1] > 0 && (image[2] == 1 || image[2] == 3)
        case .bytes: image.isEmpty || image == [1]
        }
    }
}

/// How large an image of bare pixels may be: as large as an encoded one.
struct PixelLimits: Equatable, Sendable {
    let maxPixels: Int

    /// - Throws: ``V2Error/image(index:_:)``
    func check(height: Int, width: Int) throws(V2Error) {
        guard max(height, width) <= ImageDecoder.maxSide else {
            throw .image(index: 0, .sideTooLong(width: width, height: height, limit: ImageDecoder.maxSide))
        }
        guard width * height <= maxPixels else {
            throw .image(index: 0, .tooManyPixels(width: width, height: height, limit: maxPixels))
        }
    }
}
