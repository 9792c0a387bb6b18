import CKernels

/// From a decoded image to the network's input: grey or colour, resize, crop, scale, normalise.
///
/// The bytes before normalisation equal Pillow's and the tensor equals torchvision's, to the last bit.
///
/// Shape: an image of any size in, ``tensorShape`` out: `[H, W, C]`, channels innermost.
public struct Preprocessing: Sendable, Hashable {
    /// The order of the channels that the network was trained with.
    public enum Colour: String, Sendable, Hashable, CaseIterable {
        /// One channel, as by Pillow's `convert("L")` before resizing.
        case grey
        case rgb
        /// Caffe's and OpenCV's order.
        case bgr

        /// 1 or 3.
        public var channelCount: Int { self == .grey ? 1 : 3 }
    }

    /// How an image gets its size. Units: pixels.
    public enum Resize: Sendable, Hashable {
        /// To exactly this size, whatever becomes of its proportions.
        case stretch(height: Int, width: Int)

        /// Until its shorter side is this long, proportions kept; the longer side is rounded down.
        case shortest(side: Int)
    }

    /// What a byte becomes before the mean is taken away.
    public enum Scale: String, Sendable, Hashable, CaseIterable {
        /// 0…1: divided by 255.
        case unit
        /// 0…255: left as it is.
        case byte
    }

    /// The longest side that an image is resized or cropped to. Units: pixels.
    public static let maxSide = 4096

    /// `[C, H, W]`: what comes out, as a network's `inputShape` says it. It lies in memory as ``tensorShape``.
    public let outputShape: Shape

    /// `[H, W, C]`: how the tensors that come out lie in memory, the channels of a pixel side by side in ``colour``'s order.
    public var tensorShape: Shape { [outputShape[1], outputShape[2], outputShape[0]] }

    /// The order of the output's channels.
    public let colour: Colour

    /// How an image gets its size, before the crop.
    public let resize: Resize

    /// What a byte becomes before the mean is taken away.
    public let scale: Scale

    /// One for each channel, in the output's order.
    public let mean: [Float]

    /// One for each channel, in the output's order.
    public let deviation: [Float]

    /// ``mean`` and ``deviation`` over and over for a row of the output, since each pixel has its own channels.
    private let rowMean: [Float]
    private let rowDeviation: [Float]

    /// Puts the steps together.
    ///
    /// - Parameter crop: the size of the centre crop after resizing. Where the resized image is smaller, black is added
    ///   around it, as torchvision's `CenterCrop` does.
    /// - Throws: ``PreprocessingError`` naming the step that is out of range or does not fit the others.
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

    /// The network's input for one image.
    ///
    /// Shape: ``tensorShape``.
    public func callAsFunction(_ image: PixelImage) -> Tensor {
        Tensor(tensorShape) { write(image, into: $0) }
    }

    /// The same into memory of the caller's, such as one image's place in a batch.
    ///
    /// - Parameter output: at least as many scalars as ``tensorShape`` has; the first ones are written.
    public func write(_ image: PixelImage, into output: UnsafeMutableBufferPointer<Float>) {
        let image = prepared(image)
        let plan = ResizePlan(self, height: image.height, width: image.width)
        withBytes(plan) { bytes in
            plan.resize(image, isGrey: colour == .grey, swapsRedAndBlue: colour == .bgr, to: bytes)
            normalize(bytes, into: output)
        }
    }

    /// The image resized, cropped and turned grey where that is wanted, before normalisation.
    ///
    /// Shape: height and width of ``outputShape``; one channel, or three as red, green, blue whatever ``colour`` says.
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

    /// Lends memory for the bytes before normalisation, black where the plan leaves it as it is.
    func withBytes<R, E: Error>(
        _ plan: ResizePlan, _ body: (UnsafeMutablePointer<UInt8>) throws(E) -> R
    ) throws(E) -> R {
        let count = outputShape.elementCount
        let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: count)
        defer { bytes.deallocate() }
        if plan.isPadded { bytes.initialize(repeating: 0, count: count) }
        return try body(bytes)
    }

    /// Bytes to what the network sees, in float32 and in this order, as torchvision's `ToTensor` and `Normalize` do it.
    ///
    /// Shape: both ``tensorShape``.
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

    /// The size between resizing and cropping.
    package func resizedSize(height: Int, width: Int) -> (height: Int, width: Int) {
        switch resize {
        case .stretch(let height, let width): return (height, width)
        case .shortest(let side):
            // Dividing in double and rounding down, as torchvision does.
            let long = Int(Double(side * max(height, width)) / Double(min(height, width)))
            return height <= width ? (side, long) : (long, side)
        }
    }
}

extension Preprocessing {
    /// The ways of preprocessing that published networks were trained with.
    public enum Preset: String, CaseIterable, Sendable {
        /// Stretch to the network's input, mean and deviation 0.5: the tutorials' AlexNet.
        case stretch

        /// Shortest side 256, centre crop 224, ImageNet's mean and deviation: torchvision. Other inputs than 224 pixels are
        /// cropped in the same proportion, 8 to 7.
        case imagenet

        /// Stretch to the network's input, BGR, minus 104, 117, 124, not scaled: Caffe.
        case caffe

        /// Stretch to the network's input, 0…1, not normalised.
        case unit
    }

    /// A preset for a network's input.
    ///
    /// A network of one channel gets grey images; where the preset has a number for each colour, it gets their average.
    /// - Parameter input: `[C, H, W]`
    /// - Throws: ``PreprocessingError/unsupportedInput(_:)`` where that is no image of 1 or 3 channels.
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

    /// A preset for a network's input that is known to be an image.
    ///
    /// - Precondition: `input` is `[1 or 3, H, W]` within ``maxSide``; shapes that come from a file go through
    ///   ``init(_:input:)-(Preset,_)``, which throws.
    public static func preset(_ preset: Preset, input: Shape) -> Preprocessing {
        do {
            return try Preprocessing(preset, input: input)
        } catch {
            preconditionFailure("\(error)")
        }
    }
}
