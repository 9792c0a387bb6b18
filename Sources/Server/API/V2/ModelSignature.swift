import Inference

/// The input and outputs of a model, with the limits of one request.
struct ModelSignature: Sendable {
    let names: TensorNames
    let shapeRule: ShapeRule
    let classCount: Int
    let limit: ImageUpload.CountLimit
    let pixelLimit: PixelLimit

    /// Both outputs, in the order in which an answer lists them.
    var outputs: [RequestedOutput] {
        [
            RequestedOutput(source: .probabilities, name: names.probabilities),
            RequestedOutput(source: .logits, name: names.logits),
        ]
    }

    /// The output of that name.
    ///
    /// - Throws: ``V2Error/outputName(found:known:)``
    func output(named name: String) throws(V2Error) -> RequestedOutput {
        guard let output = outputs.first(where: { $0.name == name }) else {
            throw .outputName(found: String(name.prefix(80)), known: outputs.map(\.name))
        }
        return output
    }
}

extension ModelSignature {
    /// The signature of a model under the server's limits.
    init(_ model: Model, settings: Settings) {
        self.init(
            names: model.tensorNames, shapeRule: ShapeRule(network: model.network.inputShape.extents),
            classCount: model.classes.count,
            limit: ImageUpload.CountLimit(settings, own: model.batching),
            pixelLimit: PixelLimit(maxPixels: settings.images.maxPixels))
    }
}

/// Which shapes a model's input may have.
struct ShapeRule: Equatable, Sendable {
    /// The shape of the network's input, `[C, H, W]`.
    let network: [Int]

    /// All shapes with their datatypes, as an error lists them.
    var all: String {
        "FP32 [N, \(network.map { "\($0)" }.joined(separator: ", "))] (normalised), UINT8 [N, H, W, 3] or [N, H, W, 1] "
            + "(pixels of any size) or BYTES [N] (encoded images)"
    }

    /// How many scalars, or encoded images, a tensor of this shape has; the first extent counts images.
    ///
    /// - Throws: ``V2Error`` if the shape does not fit, or has more images or pixels than the limits.
    func elementCount(
        _ datatype: TensorDatatype, _ extents: [Int], limit: ImageUpload.CountLimit, pixels: PixelLimit
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

/// How large an image of raw pixels may be: the limit is that of encoded images.
struct PixelLimit: Equatable, Sendable {
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
