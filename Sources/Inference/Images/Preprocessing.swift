import CKernels

/// Converts a decoded image to a network's input: convert to grey, resize, crop, scale, normalise.
///
/// The bytes before normalisation equal Pillow's bit for bit, and the tensor equals torchvision's.
///
/// Shape: input an image of any size, output ``tensorShape``, `[H, W, C]`, channels innermost.
public struct Preprocessing: Sendable, Hashable {
    /// The colour channels of the network's input, in order.
    public enum Colour: String, Sendable, Hashable, CaseIterable {
        /// One channel of luma, converted before resizing, as by Pillow's `convert("L")`.
        case grey
        /// Red, green, blue.
        case rgb
        /// Blue, green, red: the order of Caffe and OpenCV.
        case bgr

        /// Number of channels: 1 or 3.
        public var channelCount: Int { self == .grey ? 1 : 3 }
    }

    /// How an image is resized before the crop. Units: pixels.
    public enum Resize: Sendable, Hashable {
        /// To exactly this size, without keeping the aspect ratio.
        case stretch(height: Int, width: Int)

        /// The shorter side gets this length, and the aspect ratio is kept. The longer side is rounded down.
        case shortest(side: Int)
    }

    /// How bytes are scaled before the mean is subtracted.
    public enum Scale: String, Sendable, Hashable, CaseIterable {
        /// Divided by 255, to 0…1.
        case unit
        /// Not scaled, 0…255.
        case byte
    }

    /// The longest side that an image is resized or cropped to. Units: pixels.
    public static let maxSide = 4096

    /// The output's shape `[C, H, W]`, as in a network's `inputShape`. In memory, the output is ``tensorShape``.
    public let outputShape: Shape

    /// The output's shape in memory, `[H, W, C]`: channels innermost, in the order of ``colour``.
    public var tensorShape: Shape { [outputShape[1], outputShape[2], outputShape[0]] }

    /// The output's channels and their order.
    public let colour: Colour

    /// How an image is resized before the crop.
    public let resize: Resize

    /// How bytes are scaled before the mean is subtracted.
    public let scale: Scale

    /// The mean of each channel, subtracted after scaling, in the order of ``colour``. Units: as after scaling.
    public let mean: [Float]

    /// The standard deviation of each channel, the last divisor, in the order of ``colour``. Units: as after scaling.
    public let deviation: [Float]

    /// ``mean``, repeated for every pixel of an output row, so that normalisation is a single vector loop.
    private let rowMean: [Float]
    /// ``deviation``, repeated for every pixel of an output row.
    private let rowDeviation: [Float]

    /// Combines the steps.
    ///
    /// - Parameter crop: the size of the centre crop after resizing. If the resized image is smaller, it is padded with
    ///   black, as by torchvision's `CenterCrop`. Units: pixels.
    /// - Throws: ``PreprocessingError`` with the step that is out of range or inconsistent with the others.
    public init(
        colour: Colour, resize: Resize, crop: (height: Int, width: Int), scale: Scale, mean: [Float],
        deviation: [Float]
    ) throws(PreprocessingError) {
        try Self.check(crop.height, field: "crop")
        try Self.check(crop.width, field: "crop")
        switch resize {
        case .stretch(let height, let width):
            try Self.check(height, field: "resize.height")
            try Self.check(width, field: "resize.width")
        case .shortest(let side): try Self.check(side, field: "resize.side")
        }
        for (field, values) in [("mean", mean), ("deviation", deviation)] {
            guard values.count == colour.channelCount else {
                throw .valueCount(field: field, found: values.count, expected: colour.channelCount)
            }
            guard values.allSatisfy(\.isFinite) else { throw .notFinite(field: field) }
        }
        guard !deviation.contains(0) else { throw .zeroDeviation }
        outputShape = Shape([colour.channelCount, crop.height, crop.width])
        self.colour = colour
        self.resize = resize
        self.scale = scale
        self.mean = mean
        self.deviation = deviation
        rowMean = (0..<crop.width).flatMap { _ in mean }
        rowDeviation = (0..<crop.width).flatMap { _ in deviation }
    }

    private static func check(_ side: Int, field: String) throws(PreprocessingError) {
        guard (1...maxSide).contains(side) else {
            throw .sideOutOfRange(field: field, found: side, limit: maxSide)
        }
    }

    /// Preprocesses one image to a network's input.
    ///
    /// Shape: ``tensorShape``.
    public func callAsFunction(_ image: PixelImage) -> Tensor {
        Tensor(tensorShape) { write(image, into: $0) }
    }

    /// The same, written to the caller's memory, such as one image's slot in a batch.
    ///
    /// - Parameter output: room for at least the scalars of ``tensorShape``; the first ones are written.
    public func write(_ image: PixelImage, into output: UnsafeMutableBufferPointer<Float>) {
        let image = prepared(image)
        let plan = ResizePlan(self, height: image.height, width: image.width)
        withBytes(plan) { bytes in
            plan.resize(image, isGrey: colour == .grey, swapsRedAndBlue: colour == .bgr, to: bytes)
            normalize(bytes, into: output)
        }
    }

    /// The image after resizing, cropping and conversion to grey, before normalisation.
    ///
    /// Shape: height and width of ``outputShape``; one channel if ``colour`` is grey, else RGB.
    public func resized(_ image: PixelImage) -> PixelImage {
        let image = prepared(image)
        let plan = ResizePlan(self, height: image.height, width: image.width)
        let pixels = [UInt8](unsafeUninitializedCapacity: outputShape.elementCount) { output, count in
            if plan.isPadded { output.initialize(repeating: 0) }
            if let output = output.baseAddress {
                plan.resize(image, isGrey: colour == .grey, swapsRedAndBlue: false, to: output)
            }
            count = outputShape.elementCount
        }
        return PixelImage(
            width: outputShape[2], height: outputShape[1], channelCount: colour.channelCount, pixels: pixels)
    }

    private func prepared(_ image: PixelImage) -> PixelImage { colour == .grey ? image : image.rgb }

    /// Lends memory for the bytes before normalisation. It is black where the plan pads.
    func withBytes<R, E: Error>(
        _ plan: ResizePlan, _ body: (UnsafeMutablePointer<UInt8>) throws(E) -> R
    ) throws(E) -> R {
        let count = outputShape.elementCount
        let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: count)
        defer { bytes.deallocate() }
        if plan.isPadded { bytes.initialize(repeating: 0, count: count) }
        return try body(bytes)
    }

    /// Scales, subtracts the mean and divides by the deviation, in float32 and in this order, as torchvision's
    /// `ToTensor` and `Normalize` do.
    ///
    /// Shape: ``tensorShape`` in and out.
    package func normalize(_ bytes: UnsafePointer<UInt8>, into output: UnsafeMutableBufferPointer<Float>) {
        precondition(
            output.count >= outputShape.elementCount,
            "\(outputShape.elementCount) scalars do not fit \(output.count)")
        guard let output = output.baseAddress else { return }
        let count = rowMean.count
        for row in 0..<outputShape[1] {
            resize_normalize(
                bytes + row * count, scale == .unit ? 255 : 1, rowMean, rowDeviation, output + row * count, count)
        }
    }

    /// The size after resizing and before cropping. Units: pixels.
    package func resizedSize(height: Int, width: Int) -> (height: Int, width: Int) {
        switch resize {
        case .stretch(let height, let width): return (height, width)
        case .shortest(let side):
            // Division in double, rounded down, as in torchvision.
            let long = Int(Double(side * max(height, width)) / Double(min(height, width)))
            return height <= width ? (side, long) : (long, side)
        }
    }
}

extension Preprocessing {
    /// Preprocessing presets of published networks.
    public enum Preset: String, CaseIterable, Sendable {
        /// PyTorch tutorials' AlexNet: stretch to the network's input; mean and deviation 0.5.
        case stretch

        /// torchvision: resize the shorter side to 256, centre crop 224, ImageNet's mean and deviation. For other input
        /// sizes the ratio 8:7 of side to crop is kept.
        case imagenet

        /// Caffe: stretch to the network's input, BGR, mean 104, 117, 124, no scaling.
        case caffe

        /// Stretch to the network's input and scale to 0…1; no normalisation.
        case unit
    }

    /// The preset for a network's input.
    ///
    /// Networks with one input channel get grey images; their mean and deviation are the averages over the colours.
    /// - Parameter input: shape `[C, H, W]`.
    /// - Throws: ``PreprocessingError/unsupportedInput(_:)`` if `input` is not an image of 1 or 3 channels.
    public init(_ preset: Preset, input: Shape) throws(PreprocessingError) {
        guard input.rank == 3, input[0] == 1 || input[0] == 3, (1...Self.maxSide).contains(input[1]),
            (1...Self.maxSide).contains(input[2])
        else { throw .unsupportedInput(input) }
        let isGrey = input[0] == 1
        let crop = (height: input[1], width: input[2])
        let stretch = Resize.stretch(height: crop.height, width: crop.width)
        let colour: Colour = isGrey ? .grey : .rgb
        func each(_ value: Float) -> [Float] { [Float](repeating: value, count: input[0]) }
        switch preset {
        case .stretch:
            try self.init(
                colour: colour, resize: stretch, crop: crop, scale: .unit, mean: each(0.5), deviation: each(0.5))
        case .imagenet:
            let side = min((max(crop.height, crop.width) * 8 + 3) / 7, Self.maxSide)
            try self.init(
                colour: colour, resize: .shortest(side: side), crop: crop, scale: .unit,
                mean: isGrey ? [0.449] : [0.485, 0.456, 0.406],
                deviation: isGrey ? [0.226] : [0.229, 0.224, 0.225])
        case .caffe:
            try self.init(
                colour: isGrey ? .grey : .bgr, resize: stretch, crop: crop, scale: .byte,
                mean: isGrey ? [115] : [104, 117, 124], deviation: each(1))
        case .unit:
            try self.init(
                colour: colour, resize: stretch, crop: crop, scale: .unit, mean: each(0), deviation: each(1))
        }
    }

    /// The preset for an input shape that is known to be valid.
    ///
    /// - Precondition: `input` is `[1 or 3, H, W]` with sides within ``maxSide``. For shapes from a file use
    ///   ``init(_:input:)-(Preset,_)``, which throws.
    public static func preset(_ preset: Preset, input: Shape) -> Preprocessing {
        do {
            return try Preprocessing(preset, input: input)
        } catch {
            preconditionFailure("\(error)")
        }
    }
}
