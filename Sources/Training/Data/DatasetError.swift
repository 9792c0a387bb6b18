import Inference

/// Why a data set or one of its images cannot be used. Paths are written as the user wrote them.
public enum DatasetError: Error, Equatable, Sendable {
    /// An image is corrupt or exceeds a limit.
    case image(name: String, ImageError)

    // The arguments.

    /// The argument of `--data` is neither a folder nor a known format.
    case unknownSource(found: String)
    /// The share to hold out is not above 0 and below 1.
    case splitOutOfRange(found: Double)
    /// No image can be held out for validation, because every class has only one.
    case nothingToHoldOut(path: String)

    // Folders of images.

    /// There is no folder at this path.
    case noFolder(path: String)
    /// A file or folder cannot be opened; the reason is the system's.
    case unreadable(path: String, reason: String)
    /// The folder has no subfolders.
    case noClassFolders(path: String)
    /// A class folder has no images; `others` lists its ignored files.
    case emptyClassFolder(path: String, others: String = "")
    /// There is only one class folder.
    case singleClass(path: String, name: String)
    /// A folder of images has none; `others` tells what is there instead.
    case noImages(path: String, others: String = "")
    /// A training or validation part is beside other folders and would be read as one class.
    case partAmongClasses(path: String, others: [String])
    /// The class `name` is in one part only: in `path`, but not in `other`.
    case classesDiffer(path: String, other: String, name: String)

    // Files of many images.

    /// The folder lacks a file of the data set.
    case missingFile(path: String, expected: String)
    /// The folder holds CIFAR's Python version, which is not supported.
    case onlyPythonVersion(path: String)
    /// A file or its inflated content exceeds the limit. Units: bytes.
    case tooLarge(file: String, byteCount: Int, limit: Int)
    /// A gzip file is corrupt.
    case corruptCompression(file: String)
    /// The header in a gzip file declares more content than deflate can produce from the file. Units: bytes.
    case cannotInflate(file: String, byteCount: Int, expected: Int)
    /// A file is shorter than its header declares. Units: bytes.
    case truncated(file: String, found: Int, expected: Int)
    /// A file is at least `byteCount` bytes longer than its header declares.
    case trailingBytes(file: String, byteCount: Int)
    /// The magic number is not that of the expected kind of IDX file.
    case wrongMagic(file: String, found: UInt32, expected: UInt32)
    /// An extent in an IDX header is 0 or exceeds `limit`.
    case extentOutOfRange(file: String, field: String, found: Int, limit: Int)
    /// The numbers of images and labels differ.
    case countMismatch(images: String, imageCount: Int, labels: String, labelCount: Int)
    /// The test images differ in size from the training images. Sizes are written as `WIDTH×HEIGHT`. Units: pixels.
    case sizeMismatch(file: String, found: String, expected: String)
    /// The label of an image is not the index of a class; `index` is the image's.
    case labelOutOfRange(file: String, index: Int, found: Int, classCount: Int)
    /// The size of a CIFAR file is not a multiple of the record size. Units: bytes.
    case partialRecord(file: String, byteCount: Int, recordByteCount: Int)
    /// A list of class names has the wrong number of names.
    case classNameCount(file: String, found: Int, expected: Int)
    /// A list of class names is not UTF-8.
    case notText(file: String)
}

extension DatasetError: CustomStringConvertible {
    /// One sentence.
    public var description: String {
        switch self {
        case .image(let name, let error):
            "\(name): \(error)"

        case .unknownSource(let found):
            "the data \"\(found)\" are neither a folder nor one of fashion-mnist:DIR, mnist:DIR, cifar10:DIR and "
                + "cifar100:DIR"
        case .splitOutOfRange(let found):
            "the validation split is \(found), but a number above 0 and below 1 is expected"
        case .nothingToHoldOut(let path):
            "every class of \(path) has one image only, so none can be held out for validation"

        case .noFolder(let path):
            "there is no folder \(path)"
        case .unreadable(let path, let reason):
            "\(path) cannot be read: \(reason)"
        case .noClassFolders(let path):
            "\(path) has no folders, but one for each class is expected"
        case .emptyClassFolder(let path, let others):
            "the class folder \(path) holds no JPEG, PNG or WebP file" + (others.isEmpty ? "" : ", only \(others)")
        case .noImages(let path, let others):
            "\(path) holds no JPEG, PNG or WebP file" + (others.isEmpty ? "" : ", only \(others)")
        case .singleClass(let path, let name):
            "\(path) has only one class, \"\(name)\", but at least two are expected"
        case .partAmongClasses(let path, let others):
            "\(path) looks like a part of a data set, with classes of its own, and would become one class"
                + (others.isEmpty
                    ? "" : " beside \(others.prefix(3).joined(separator: ", "))\(others.count > 3 ? ", …" : "")")
                + "; give its path to --data, or rename the parts to train and val"
        case .classesDiffer(let path, let other, let name):
            "the class \"\(name)\" of \(path) is missing in \(other)"

        case .missingFile(let path, let expected):
            "\(path) has no file \(expected)"
        case .onlyPythonVersion(let path):
            "\(path) holds the Python version of the data, but the binary version is expected"
        case .tooLarge(let file, let byteCount, let limit):
            "\(file) has \(byteCount) bytes, but at most \(limit) are read"
        case .corruptCompression(let file):
            "the gzip file \(file) is corrupt"
        case .cannotInflate(let file, let byteCount, let expected):
            "the gzip file \(file) of \(byteCount) bytes cannot inflate to the \(expected) bytes it declares"
        case .truncated(let file, let found, let expected):
            "\(file) is truncated: it holds \(found) of \(expected) bytes"
        case .trailingBytes(let file, let byteCount):
            "\(file) is longer than its header says, by at least \(byteCount) bytes"
        case .wrongMagic(let file, let found, let expected):
            "\(file) begins with 0x\(String(found, radix: 16)), but 0x\(String(expected, radix: 16)) is expected"
        case .extentOutOfRange(let file, let field, let found, let limit):
            "\(file) declares \(found) \(field), but 1 to \(limit) are expected"
        case .countMismatch(let images, let imageCount, let labels, let labelCount):
            "\(images) has \(imageCount) images, but \(labels) has \(labelCount) labels"
        case .sizeMismatch(let file, let found, let expected):
            "\(file) has images of \(found) pixels, but \(expected) is expected"
        case .labelOutOfRange(let file, let index, let found, let classCount):
            "label \(index) of \(file) is \(found), but 0 to \(classCount - 1) is expected"
        case .partialRecord(let file, let byteCount, let recordByteCount):
            "\(file) has \(byteCount) bytes, but a positive multiple of \(recordByteCount) is expected"
        case .classNameCount(let file, let found, let expected):
            "\(file) names \(found) classes, but \(expected) are expected"
        case .notText(let file):
            "\(file) is not text in UTF-8"
        }
    }
}
