import Files
import Inference

/// One part of Fashion-MNIST or MNIST: grey pictures in one IDX file, their labels in another, plain or in gzip.
///
/// Shape: pictures `[H, W, 1]`, 28×28 as published.
/// - Source: LeCun et al. 1998; Xiao et al. 2017, "Fashion-MNIST"
public struct IDXDataset: Dataset {
    /// Which data the files hold: they look alike.
    public enum Kind: String, Sendable {
        case fashionMNIST = "fashion-mnist"
        case mnist

        /// In the order of the labels.
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

    /// Which of the two parts.
    public enum Part: String, Sendable {
        case training = "train"
        case test = "t10k"
    }

    public let classNames: [String]
    public let count: Int
    /// The two files as they lie on the disk.
    let files: [DataFile]
    private let images: IDXFile
    private let labels: IDXFile

    /// Where torchvision and the publishers' archives put the files.
    private static let subfolders = ["", "/raw", "/FashionMNIST/raw", "/MNIST/raw"]

    /// Reads the two files of a part.
    ///
    /// - Throws: ``DatasetError`` where a file is missing or does not hold what it declares.
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

    /// Of every picture. Units: pixels.
    var size: (height: Int, width: Int) { (images.extents[1], images.extents[2]) }

    public func label(at index: Int) -> Int { Int(labels.content.bytes[labels.start + index]) }

    public func name(at index: Int) -> String { "\(images.file.name)#\(index)" }

    public func picture(at index: Int) throws(DatasetError) -> PixelImage {
        let (height, width) = size
        let start = images.start + index * height * width
        return PixelImage(
            width: width, height: height, channelCount: 1,
            pixels: Array(images.content.bytes[start..<start + height * width]))
    }
}
