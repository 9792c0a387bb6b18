import Inference

/// A data set with every picture's colours inverted: what was on black is on white.
public struct InvertedPictures: Dataset {
    private let base: any Dataset

    /// The same pictures, each byte taken from 255.
    public init(_ base: any Dataset) { self.base = base }

    public var classNames: [String] { base.classNames }
    public var count: Int { base.count }
    public var leftOut: LeftOutFiles { base.leftOut }
    public func label(at index: Int) -> Int { base.label(at: index) }
    public func name(at index: Int) -> String { base.name(at: index) }

    public func picture(at index: Int) throws(DatasetError) -> PixelImage {
        let picture = try base.picture(at: index)
        return PixelImage(
            width: picture.width, height: picture.height, channelCount: picture.channelCount,
            pixels: picture.pixels.map { 255 - $0 })
    }
}
