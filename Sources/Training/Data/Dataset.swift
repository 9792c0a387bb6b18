import Inference

/// Labelled images, each read on demand.
///
/// Reading is thread-safe: several images are read at the same time while the network trains.
public protocol Dataset: Sendable {
    /// The names of the classes, by label.
    var classNames: [String] { get }

    /// The number of images.
    var count: Int { get }

    /// The label of an image: an index in ``classNames``.
    func label(at index: Int) -> Int

    /// An image's name in messages: its path, or `FILE#INDEX` in a file that holds many images.
    func name(at index: Int) -> String

    /// The files beside the images that are not read.
    var ignored: IgnoredFiles { get }

    /// Reads an image: upright, with one channel or three.
    ///
    /// - Throws: ``DatasetError`` if it cannot be read or decoded.
    func image(at index: Int) throws(DatasetError) -> PixelImage
}

extension Dataset {
    /// None by default: a file that holds many images has no other files beside its images.
    public var ignored: IgnoredFiles { .none }
}

/// Some images of another data set, in any order.
public struct Subset: Dataset {
    private let whole: any Dataset
    /// The images' indices in the other data set.
    public let indices: [Int]

    /// The images with these indices.
    public init(_ whole: any Dataset, indices: [Int]) {
        precondition(
            indices.allSatisfy((0..<whole.count).contains), "an index lies outside a data set of \(whole.count)")
        self.whole = whole
        self.indices = indices
    }

    public var classNames: [String] { whole.classNames }
    public var count: Int { indices.count }
    public var ignored: IgnoredFiles { whole.ignored }
    public func label(at index: Int) -> Int { whole.label(at: indices[index]) }
    public func name(at index: Int) -> String { whole.name(at: indices[index]) }
    public func image(at index: Int) throws(DatasetError) -> PixelImage { try whole.image(at: indices[index]) }
}

/// Two data sets with the same classes, one after the other.
struct JoinedDatasets: Dataset {
    private let first: any Dataset
    private let second: any Dataset

    init(_ first: any Dataset, _ second: any Dataset) {
        precondition(first.classNames == second.classNames, "data sets of other classes are not joined")
        (self.first, self.second) = (first, second)
    }

    var classNames: [String] { first.classNames }
    var count: Int { first.count + second.count }
    /// Two parts of one folder ignore the same files.
    var ignored: IgnoredFiles { first.ignored == second.ignored ? first.ignored : first.ignored + second.ignored }
    func label(at index: Int) -> Int {
        index < first.count ? first.label(at: index) : second.label(at: index - first.count)
    }
    func name(at index: Int) -> String {
        index < first.count ? first.name(at: index) : second.name(at: index - first.count)
    }
    func image(at index: Int) throws(DatasetError) -> PixelImage {
        index < first.count ? try first.image(at: index) : try second.image(at: index - first.count)
    }
}

/// A data set with inverted colours: black becomes white.
public struct InvertedImages: Dataset {
    private let base: any Dataset

    /// The same images, in which each byte b is 255 − b.
    public init(_ base: any Dataset) { self.base = base }

    public var classNames: [String] { base.classNames }
    public var count: Int { base.count }
    public var ignored: IgnoredFiles { base.ignored }
    public func label(at index: Int) -> Int { base.label(at: index) }
    public func name(at index: Int) -> String { base.name(at: index) }

    public func image(at index: Int) throws(DatasetError) -> PixelImage {
        let image = try base.image(at: index)
        return PixelImage(
            width: image.width, height: image.height, channelCount: image.channelCount,
            pixels: image.pixels.map { 255 - $0 })
    }
}
