import Inference

/// Labelled pictures, each read when it is asked for.
///
/// Reading is thread-safe: pictures are read beside the network, several at a time.
public protocol Dataset: Sendable {
    /// One name a class, in the order of the labels.
    var classNames: [String] { get }

    /// How many pictures there are.
    var count: Int { get }

    /// The class of a picture: an index of ``classNames``.
    func label(at index: Int) -> Int

    /// What a picture is called in messages: its path, or the file and the place in it.
    func name(at index: Int) -> String

    /// What lies among the pictures and is none, or none that is read.
    var leftOut: LeftOutFiles { get }

    /// A picture as it is stored: upright, one channel or three.
    ///
    /// - Throws: ``DatasetError`` where it cannot be read or decoded.
    func picture(at index: Int) throws(DatasetError) -> PixelImage
}

extension Dataset {
    /// Nothing: files of many pictures hold nothing else.
    public var leftOut: LeftOutFiles { .none }
}
