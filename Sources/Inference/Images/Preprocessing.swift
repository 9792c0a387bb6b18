import CKernels

/// From a decoded picture to the network's input: grey or colour, resize, crop, scale, normalise.
///
/// The bytes before normalisation equal Pillow's and the tensor equals torchvision's, to the last bit.
///
/// Shape: a picture of any size in, `[C, H, W]` out.
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

    /// How a picture gets its size. Units: pixels.
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

    /// The longest side that a picture is resized or cropped to. Units: pixels.
    public static let maxSide = 4096

    /// `[C, H, W]`
    public let outputShape: Shape

    /// The order of the output's channels.
    public let colour: Colour

    /// How a picture gets its size, before the crop.
    public let resize: Resize

    /// What a byte becomes before the mean is taken away.
    public let scale: Scale

    /// One for each channel, in the output's order.
    public let mean: [Float]

    /// One for each channel, in the output's order.
    public let deviation: [Float]

    /// For each channel, what each byte becomes: 256 numbers a channel.
    private let table: [Float]

    /// Puts the steps together.
    ///
    /// - Parameter crop: the size of the centre crop after resizing. Where the resized picture is smaller, black is added
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
        table = zip(mean, deviation).flatMap { mean, deviation in
            // In float32 and in this order, as torchvision's `ToTensor` and `Normalize` do it.
            (0..<256).map { byte in ((scale == .unit ? Float(byte) / 255 : Float(byte)) - mean) / deviation }
        }
    }

    private static func check(_ side: Int, field: String) throws(PreprocessingError) {
        guard (1...maxSide).contains(side) else {
            throw .sideOutOfRange(field: field, found: side, limit: maxSide)
        }
    }

    /// The network's input for one picture.
    ///
    /// Shape: ``outputShape``.
    public func callAsFunction(_ image: PixelImage) -> Tensor {
        Tensor(outputShape) { write(image, into: $0) }
    }

    /// The same into memory of the caller's, such as one picture's place in a batch.
    ///
    /// - Parameter output: at least as many scalars as ``outputShape`` has; the first ones are written.
    public func write(_ image: PixelImage, into output: UnsafeMutableBufferPointer<Float>) {
        precondition(
            output.count >= outputShape.elementCount,
            "\(outputShape.elementCount) scalars do not fit \(output.count)")
        let planeCount = outputShape[1] * outputShape[2]
        let channels = colour.channelCount
        resized(image).pixels.withUnsafeBufferPointer { pixels in
            table.withUnsafeBufferPointer { table in
                guard let pixels = pixels.baseAddress, let table = table.baseAddress, let plane = output.baseAddress
                else { return }
                for channel in 0..<channels {
                    let source = colour == .bgr ? channels - 1 - channel : channel
                    resize_plane(
                        pixels + source, Int32(channels), table + 256 * channel, plane + channel * planeCount,
                        planeCount)
                }
            }
        }
    }

    /// The picture resized, cropped and turned grey where that is wanted, before normalisation.
    ///
    /// Shape: height and width of ``outputShape``; one channel, or three as red, green, blue whatever ``colour`` says.
    public func resized(_ image: PixelImage) -> PixelImage {
        let image = colour == .grey ? image : image.coloured
        let size = resizedSize(height: image.height, width: image.width)
        let rows = CentreCrop(of: size.height, to: outputShape[1])
        let columns = CentreCrop(of: size.width, to: outputShape[2])
        let resampler = Resampler(
            from: (image.height, image.width), to: size, rowWindow: rows.window, columnWindow: columns.window,
            isGrey: colour == .grey)
        let channels = colour.channelCount
        let stride = outputShape[2] * channels
        let byteCount = outputShape[1] * stride
        let pixels = [UInt8](unsafeUninitializedCapacity: byteCount) { output, count in
            if rows.isPadded || columns.isPadded { output.initialize(repeating: 0) }
            if let start = output.baseAddress {
                resampler.write(
                    image, to: start + rows.padding * stride + columns.padding * channels, outputStride: stride)
            }
            count = byteCount
        }
        return PixelImage(
            width: outputShape[2], height: outputShape[1], channelCount: channels, pixels: pixels)
    }

    /// The size between resizing and cropping.
    private func resizedSize(height: Int, width: Int) -> (height: Int, width: Int) {
        switch resize {
        case .stretch(let height, let width): return (height, width)
        case .shortest(let side):
            // Dividing in double and rounding down, as torchvision does.
            let long = Int(Double(side * max(height, width)) / Double(min(height, width)))
            return height <= width ? (side, long) : (long, side)
        }
    }
}
