import Inference

/// Labelled images, each read when it is asked for.
///
/// Reading is thread-safe: images are read beside the network, several at a time.
public protocol Dataset: Sendable {
    /// One name a class, in the order of the labels.
    var classNames: [String] { get }

    /// How many images there are.
    var count: Int { get }

    /// The class of an image: an index of ``classNames``.
    func label(at index: Int) -> Int

    /// What an image is called in messages: its path, or the file and the place in it.
    func name(at index: Int) -> String

    /// What lies among the images and is none, or none that is read.
    var ignored: IgnoredFiles { get }

    /// An image as it is stored: upright, one channel or three.
    ///
    /// - Throws: ``DatasetError`` where it cannot be read or decoded.
    func image(at index: Int) throws(DatasetError) -> PixelImage
}

extension Dataset {
    /// Nothing: files of many images hold nothing else.
    public var ignored: IgnoredFiles { .none }
}

/// Some images of another data set, in an order of their own.
public struct Subset: Dataset {
    private let whole: any Dataset
    /// Which images of the whole.
    public let indices: [Int]

    /// Takes the images of these indices.
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

/// Two data sets of the same classes, one behind the other.
struct JoinedDatasets: Dataset {
    private let first: any Dataset
    private let second: any Dataset

    init(_ first: any Dataset, _ second: any Dataset) {
        precondition(first.classNames == second.classNames, "data sets of other classes are not joined")
        (self.first, self.second) = (first, second)
    }

    var classNames: [String] { first.classNames }
    var count: Int { first.count + second.count }
    /// Two parts of one folder have left out the same files.
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

/// A data set with every image's colours inverted: what was on black is on white.
public struct InvertedImages: Dataset {
    private let base: any Dataset

    /// The same images, each byte taken from 255.
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
