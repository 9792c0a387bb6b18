/// What preprocessing does to a picture of one size: how it is resized, and where the result stands in the crop.
struct ResizePlan {
    let resampler: Resampler

    /// Is there black around the picture?
    let isPadded: Bool

    /// Where the resized picture begins in the crop. Units: pixels.
    private let paddingTop: Int
    private let paddingLeft: Int

    /// The crop's width. Units: pixels.
    private let outputWidth: Int

    /// - Parameters:
    ///   - height: with `width`, the stored picture as it was before a scaled decode.
    ///   - denominator: what a scaled decode divides both by.
    init(
        _ preprocessing: Preprocessing, height: Int, width: Int, orientation: Orientation = .upright,
        denominator: Int = 1
    ) {
        let swaps = orientation.swapsSides
        let size = preprocessing.resizedSize(height: swaps ? width : height, width: swaps ? height : width)
        let rows = CentreCrop(of: size.height, to: preprocessing.outputShape[1])
        let columns = CentreCrop(of: size.width, to: preprocessing.outputShape[2])
        resampler = Resampler(
            from: ((height + denominator - 1) / denominator, (width + denominator - 1) / denominator),
            span: (Double(height) / Double(denominator), Double(width) / Double(denominator)),
            orientation: orientation, to: size, rowWindow: rows.window, columnWindow: columns.window)
        isPadded = rows.isPadded || columns.isPadded
        (paddingTop, paddingLeft) = (rows.padding, columns.padding)
        outputWidth = preprocessing.outputShape[2]
    }

    /// Begins to resize a picture whose rows have these columns of the stored ones.
    ///
    /// - Parameter output: the crop's first pixel.
    func begin(
        inputColumns: Range<Int>, inputChannels: Int, isGrey: Bool, swapsRedAndBlue: Bool,
        to output: UnsafeMutablePointer<UInt8>
    ) -> Resampling {
        let channels = isGrey ? 1 : inputChannels
        let stride = outputWidth * channels
        return Resampling(
            resampler, inputColumns: inputColumns, inputChannels: inputChannels, isGrey: isGrey,
            swapsRedAndBlue: swapsRedAndBlue, to: output + paddingTop * stride + paddingLeft * channels,
            outputStride: stride)
    }

    /// Resizes a picture that is decoded already.
    func resize(
        _ image: PixelImage, isGrey: Bool, swapsRedAndBlue: Bool, to output: UnsafeMutablePointer<UInt8>
    ) {
        var resampling = begin(
            inputColumns: 0..<image.width, inputChannels: image.channelCount, isGrey: isGrey,
            swapsRedAndBlue: swapsRedAndBlue, to: output)
        image.pixels.withUnsafeBufferPointer {
            resampling.addAll($0, stride: image.width * image.channelCount, rows: resampler.rows.inputs)
        }
    }
}

/// Where a centre crop lies along one axis, as torchvision's `CenterCrop` places it. Units: pixels.
struct CentreCrop: Equatable {
    /// What is taken of the axis.
    let window: Range<Int>

    /// How much is added before it, where the axis is shorter than the crop.
    let padding: Int

    /// Is anything added, before or after?
    let isPadded: Bool

    init(of length: Int, to cropLength: Int) {
        isPadded = cropLength > length
        if isPadded {
            window = 0..<length
            padding = (cropLength - length) / 2
        } else {
            // Half a pixel goes to the even side: Python's rounding.
            let start = Int((Double(length - cropLength) / 2).rounded(.toNearestOrEven))
            window = start..<start + cropLength
            padding = 0
        }
    }
}
