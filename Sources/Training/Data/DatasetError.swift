import Inference

/// A data set, or an image of one, that cannot be used: what was found, what was expected, and where.
public enum DatasetError: Error, Equatable, Sendable {
    /// An image that is corrupt or over a limit.
    case image(name: String, ImageError)

    // What was asked for.
    case unknownSource(found: String)
    case splitOutOfRange(found: Double)
    case nothingToHoldOut(path: String)

    // Folders of images.
    case noFolder(path: String)
    case unreadable(path: String, reason: String)
    case noClassFolders(path: String)
    case emptyClassFolder(path: String, others: String = "")
    case singleClass(path: String, name: String)
    case partAmongClasses(path: String, others: [String])
    case classesDiffer(path: String, other: String, name: String)

    // Files of many images.
    case missingFile(path: String, expected: String)
    case onlyPythonVersion(path: String)
    case tooLarge(file: String, byteCount: Int, limit: Int)
    case corruptCompression(file: String)
    case cannotInflate(file: String, byteCount: Int, expected: Int)
    case truncated(file: String, found: Int, expected: Int)
    case trailingBytes(file: String, byteCount: Int)
    case wrongMagic(file: String, found: UInt32, expected: UInt32)
    case extentOutOfRange(file: String, field: String, found: Int, limit: Int)
    case countMismatch(images: String, imageCount: Int, labels: String, labelCount: Int)
    case sizeMismatch(file: String, found: String, expected: String)
    case labelOutOfRange(file: String, index: Int, found: Int, classCount: Int)
    case partialRecord(file: String, byteCount: Int, recordByteCount: Int)
    case classNameCount(file: String, found: Int, expected: Int)
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
            "the validation split is \(found), and more than 0 and less than 1 is expected"
        case .nothingToHoldOut(let path):
            "no class of \(path) has two images, so that none can be held out for validation"

        case .noFolder(let path):
            "there is no folder \(path)"
        case .unreadable(let path, let reason):
            "\(path) cannot be read: \(reason)"
        case .noClassFolders(let path):
            "\(path) has no folders, and one for each class is expected"
        case .emptyClassFolder(let path, let others):
            "the class folder \(path) holds no JPEG, PNG or WebP file" + (others.isEmpty ? "" : ", only \(others)")
        case .singleClass(let path, let name):
            "\(path) has one class only, \"\(name)\", and at least two are expected"
        case .partAmongClasses(let path, let others):
            "\(path) looks like a part of a data set, with classes of its own, and would be taken for one class"
                + (others.isEmpty
                    ? "" : " beside \(others.prefix(3).joined(separator: ", "))\(others.count > 3 ? ", …" : "")")
                + "; name it itself, or call the parts train and val"
        case .classesDiffer(let path, let other, let name):
            "the class \"\(name)\" of \(path) is missing in \(other)"

        case .missingFile(let path, let expected):
            "\(path) has no file \(expected)"
        case .onlyPythonVersion(let path):
            "\(path) holds the Python version of the data, and the binary version is expected"
        case .tooLarge(let file, let byteCount, let limit):
            "\(file) has \(byteCount) bytes, and at most \(limit) are read"
        case .corruptCompression(let file):
            "the gzip file \(file) is corrupt"
        case .cannotInflate(let file, let byteCount, let expected):
            "the gzip file \(file) of \(byteCount) bytes cannot inflate to the \(expected) bytes it declares"
        case .truncated(let file, let found, let expected):
            "\(file) is truncated: it holds \(found) of \(expected) bytes"
        case .trailingBytes(let file, let byteCount):
            "\(file) is longer than its header says, by at least \(byteCount) bytes"
        case .wrongMagic(let file, let found, let expected):
            "\(file) begins with 0x\(String(found, radix: 16)) where 0x\(String(expected, radix: 16)) is expected"
        case .extentOutOfRange(let file, let field, let found, let limit):
            "\(file) says it has \(found) \(field), and 1 to \(limit) are expected"
        case .countMismatch(let images, let imageCount, let labels, let labelCount):
            "\(images) has \(imageCount) images and \(labels) \(labelCount) labels"
        case .sizeMismatch(let file, let found, let expected):
            "\(file) has images of \(found) pixels where \(expected) are expected"
        case .labelOutOfRange(let file, let index, let found, let classCount):
            "label \(index) of \(file) is \(found), and 0 to \(classCount - 1) is expected"
        case .partialRecord(let file, let byteCount, let recordByteCount):
            "\(file) has \(byteCount) bytes, and a multiple of \(recordByteCount), at least one, is expected"
        case .classNameCount(let file, let found, let expected):
            "\(file) names \(found) classes where \(expected) are expected"
        case .notText(let file):
            "\(file) is not text in UTF-8"
        }
    }
}
