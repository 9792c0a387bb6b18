import Inference

/// How large a picture of bare pixels may be: as large as an encoded one.
struct PixelLimits: Equatable, Sendable {
    let maxPixels: Int

    /// - Throws: ``V2Error/picture(index:_:)``
    func check(height: Int, width: Int) throws(V2Error) {
        guard max(height, width) <= ImageDecoder.maxSide else {
            throw .picture(index: 0, .sideTooLong(width: width, height: height, limit: ImageDecoder.maxSide))
        }
        guard width * height <= maxPixels else {
            throw .picture(index: 0, .tooManyPixels(width: width, height: height, limit: maxPixels))
        }
    }
}
