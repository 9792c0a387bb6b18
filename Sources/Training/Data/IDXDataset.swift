import Files
import Inference

/// The training or test part of Fashion-MNIST or MNIST. An IDX file holds the grey images and another their labels,
/// plain or compressed with gzip.
///
/// Shape: images `[H, W, 1]`, 28×28 as published.
/// - Source: LeCun et al. 1998; Xiao et al. 2017, "Fashion-MNIST"
public struct IDXDataset: Dataset {
    /// Which data set the files hold. The files themselves do not say it.
    public enum Kind: String, Sendable {
        case fashionMNIST = "fashion-mnist"
        case mnist

        /// The names of the classes, by label.
        public var classNames: [String] {
            switch self {
            case .fashionMNIST:
                [
                    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
                    "Ankle boot",
                ]
            case .mnist: (0..<10).map(String.init)
            }
        }
    }

    /// The parts of the data set. The raw value is the prefix of the files' names.
    public enum Part: String, Sendable {
        case training = "train"
        case test = "t10k"
    }

    public let classNames: [String]
    public let count: Int
    /// The two files as stored.
    let files: [DataFile]
    private let images: IDXFile
    private let labels: IDXFile

    /// The folders in which torchvision and the publishers' archives put the files.
    private static let subfolders = ["", "/raw", "/FashionMNIST/raw", "/MNIST/raw"]

    /// Reads the two files of a part.
    ///
    /// - Throws: ``DatasetError`` if a file is missing or contradicts its header.
    public init(_ kind: Kind, folder: String, part: Part) throws(DatasetError) {
        classNames = kind.classNames
        let own = kind == .fashionMNIST ? "/MNIST" : "/FashionMNIST"
        let folders = Self.subfolders.filter { !$0.hasPrefix(own) }.map { folder + $0 }
        images = try IDXFile(path: Self.path("\(part.rawValue)-images-idx3-ubyte", in: folders), rank: 3)
        labels = try IDXFile(path: Self.path("\(part.rawValue)-labels-idx1-ubyte", in: folders), rank: 1)
        files = [images.file, labels.file]
        count = images.extents[0]
        guard labels.extents[0] == count else {
            throw .countMismatch(
                images: images.file.name, imageCount: count, labels: labels.file.name, labelCount: labels.extents[0])
        }
        for index in 0..<count where label(at: index) >= classNames.count {
            throw .labelOutOfRange(
                file: labels.file.name, index: index, found: label(at: index), classCount: classNames.count)
        }
    }

    private static func path(_ name: String, in folders: [String]) throws(DatasetError) -> String {
        try Folder.check(folders[0])
        for folder in folders {
            for path in ["\(folder)/\(name)", "\(folder)/\(name).gz"] where FileSnapshot.byteCount(of: path) != nil {
                return path
            }
        }
        throw .missingFile(path: folders[0], expected: "\(name) or \(name).gz")
    }

    /// The size of every image. Units: pixels.
    var size: (height: Int, width: Int) { (images.extents[1], images.extents[2]) }

    public func label(at index: Int) -> Int { Int(labels.content.bytes[labels.start + index]) }

    public func name(at index: Int) -> String { "\(images.file.name)#\(index)" }

    public func image(at index: Int) throws(DatasetError) -> PixelImage {
        let (height, width) = size
        let start = images.start + index * height * width
        return PixelImage(
            width: width, height: height, channelCount: 1,
            pixels: Array(images.content.bytes[start..<start + height * width]))
    }
}

/// The content of an IDX file of unsigned bytes: a big-endian header, followed by the values.
///
/// - Source: yann.lecun.com/exdb/mnist, "the IDX file format"
struct IDXFile {
    /// The file as stored.
    let file: DataFile
    /// The inflated header and values.
    let content: AlignedBuffer
    /// The header's extents: `[N]` or `[N, H, W]`.
    let extents: [Int]
    /// The offset of the values in ``content``. Units: bytes.
    let start: Int

    /// The most images, and the longest side in pixels.
    static let limits = (count: 10_000_000, side: 1024)

    /// - Parameters:
    ///   - rank: 1 for labels, 3 for images.
    /// - Throws: ``DatasetError`` if header and file size contradict each other, or if a number is out of range.
    init(path: String, rank: Int) throws(DatasetError) {
        file = try DataFile(path: path)
        start = 4 + 4 * rank
        let header = file.prefix(start)
        guard header.count == start else {
            throw .truncated(file: file.name, found: header.count, expected: start)
        }
        let numbers = stride(from: 0, to: start, by: 4).map { offset in
            header[offset..<offset + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        }
        let expected = 0x800 | UInt32(rank)
        guard numbers[0] == expected else {
            throw .wrongMagic(file: file.name, found: numbers[0], expected: expected)
        }
        extents = numbers.dropFirst().map(Int.init)
        for (field, limit, found) in checks(of: extents) where !(1...limit).contains(found) {
            throw .extentOutOfRange(file: file.name, field: field, found: found, limit: limit)
        }
        let byteCount = start + extents.reduce(1, *)  // at most 10⁷ · 2²⁰
        guard byteCount <= DataFile.maxByteCount else {
            throw .tooLarge(file: file.name, byteCount: byteCount, limit: DataFile.maxByteCount)
        }
        content = try file.content(byteCount: byteCount)
    }
}

/// The names of an IDX file's extents, and their limits.
private func checks(of extents: [Int]) -> [(field: String, limit: Int, found: Int)] {
    let (count, side) = IDXFile.limits
    let fields = extents.count == 1 ? ["labels"] : ["images", "rows", "columns"]
    return zip(fields, extents).enumerated().map { ($1.0, $0 == 0 ? count : side, $1.1) }
}
