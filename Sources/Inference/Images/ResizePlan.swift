/// The resize, crop and padding that preprocessing applies to images of one size.
struct ResizePlan {
    let geometry: ResampleGeometry

    /// Whether the image is padded with black, because it is smaller than the crop.
    let isPadded: Bool

    /// Rows of padding above the image. Units: pixels.
    private let paddingTop: Int
    /// Columns of padding left of the image. Units: pixels.
    private let paddingLeft: Int

    /// The crop's width. Units: pixels.
    private let outputWidth: Int

    /// Plans the preprocessing of one stored image.
    ///
    /// - Parameters:
    ///   - height: with `width`, the stored size before scaled decoding. Units: pixels.
    ///   - denominator: the divisor of both sides in scaled decoding.
    init(
        _ preprocessing: Preprocessing, height: Int, width: Int, orientation: Orientation = .upright,
        denominator: Int = 1
    ) {
        let swaps = orientation.swapsSides
        let size = preprocessing.resizedSize(height: swaps ? width : height, width: swaps ? height : width)
        let rows = CentreCrop(of: size.height, to: preprocessing.outputShape[1])
        let columns = CentreCrop(of: size.width, to: preprocessing.outputShape[2])
        geometry = ResampleGeometry(
            from: ((height + denominator - 1) / denominator, (width + denominator - 1) / denominator),
            span: (Double(height) / Double(denominator), Double(width) / Double(denominator)),
            orientation: orientation, to: size, rowWindow: rows.window, columnWindow: columns.window)
        isPadded = rows.isPadded || columns.isPadded
        (paddingTop, paddingLeft) = (rows.padding, columns.padding)
        outputWidth = preprocessing.outputShape[2]
    }

    /// Starts a streaming resize.
    ///
    /// - Parameters:
    ///   - inputColumns: the stored columns that each incoming row has.
    ///   - output: the memory of the crop's first pixel.
    func begin(
        inputColumns: Range<Int>, inputChannels: Int, isGrey: Bool, swapsRedAndBlue: Bool,
        to output: UnsafeMutablePointer<UInt8>
    ) -> StreamingResampler {
        let channels = isGrey ? 1 : inputChannels
        let stride = outputWidth * channels
        return StreamingResampler(
            geometry, inputColumns: inputColumns, inputChannels: inputChannels, isGrey: isGrey,
            swapsRedAndBlue: swapsRedAndBlue, to: output + paddingTop * stride + paddingLeft * channels,
            outputStride: stride)
    }

    /// Resizes an image that is already decoded.
    func resize(
        _ image: PixelImage, isGrey: Bool, swapsRedAndBlue: Bool, to output: UnsafeMutablePointer<UInt8>
    ) {
        var resampler = begin(
            inputColumns: 0..<image.width, inputChannels: image.channelCount, isGrey: isGrey,
            swapsRedAndBlue: swapsRedAndBlue, to: output)
        image.pixels.withUnsafeBufferPointer {
            resampler.addAll($0, stride: image.width * image.channelCount, rows: geometry.rows.inputs)
        }
    }
}

/// The position of a centre crop along one axis, as in torchvision's `CenterCrop`. Units: pixels.
struct CentreCrop: Equatable {
    /// The part of the axis that is kept.
    let window: Range<Int>

    /// The padding before the axis, if it is shorter than the crop.
    let padding: Int

    /// Whether there is padding before or after the axis.
    let isPadded: Bool

    init(of length: Int, to cropLength: Int) {
        isPadded = cropLength > length
        if isPadded {
            window = 0..<length
            padding = (cropLength - length) / 2
        } else {
            // Half pixels are rounded to even, as in Python.
            let start = Int((Double(length - cropLength) / 2).rounded(.toNearestOrEven))
            window = start..<start + cropLength
            padding = 0
        }
    }
}
