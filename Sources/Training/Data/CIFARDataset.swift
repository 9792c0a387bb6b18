import Files
import Inference

/// The training or test part of CIFAR-10 or CIFAR-100 in the binary version. Each record consists of its labels and
/// three planes of 32×32 bytes.
///
/// Shape: images `[32, 32, 3]`.
/// - Source: Krizhevsky 2009; cs.toronto.edu/~kriz/cifar.html
public struct CIFARDataset: Dataset {
    /// CIFAR-10, or CIFAR-100 with its fine labels.
    public enum Kind: String, Sendable {
        case cifar10, cifar100

        /// The file with one class name a line, and the number of classes.
        var names: (file: String, count: Int) {
            self == .cifar10 ? ("batches.meta.txt", 10) : ("fine_label_names.txt", 100)
        }

        /// The number of label bytes before the pixels. The last one is the label. In CIFAR-100 the coarse label,
        /// one of 20, comes before it. Units: bytes.
        var labelByteCount: Int { self == .cifar10 ? 1 : 2 }

        /// The folders in the publisher's archives of the binary and of the Python version.
        fileprivate var archiveFolders: (binary: String, python: String) {
            self == .cifar10
                ? ("cifar-10-batches-bin", "cifar-10-batches-py") : ("cifar-100-binary", "cifar-100-python")
        }
    }

    /// The parts of the data set.
    public enum Part: Sendable {
        case training, test

        /// The names of the part's files.
        func files(_ kind: Kind) -> [String] {
            switch (kind, self) {
            case (.cifar10, .training): (1...5).map { "data_batch_\($0).bin" }
            case (.cifar10, .test): ["test_batch.bin"]
            case (.cifar100, .training): ["train.bin"]
            case (.cifar100, .test): ["test.bin"]
            }
        }
    }

    public let classNames: [String]
    public let count: Int
    /// The files as stored.
    let files: [DataFile]
    private let labelByteCount: Int
    /// The number of images up to the end of each file.
    private let ends: [Int]

    private static let side = 32
    private static let coarseClassCount = 20

    /// Reads the files of a part.
    ///
    /// - Throws: ``DatasetError`` if a file is missing, does not consist of whole records, or has a label out of range.
    public init(_ kind: Kind, folder: String, part: Part) throws(DatasetError) {
        let folder = try Self.folder(kind, folder)
        classNames = try Self.classNames(kind, folder)
        labelByteCount = kind.labelByteCount
        var files: [DataFile] = []
        var ends: [Int] = []
        for name in part.files(kind) {
            let file = try Self.file(name, in: folder)
            let count = try Self.recordCount(file, kind, classCount: classNames.count)
            files.append(file)
            ends.append((ends.last ?? 0) + count)
        }
        count = ends.last ?? 0
        (self.files, self.ends) = (files, ends)
    }

    /// The folder itself, or the publisher's folder inside it.
    private static func folder(_ kind: Kind, _ folder: String) throws(DatasetError) -> String {
        try Folder.check(folder)
        let (binary, python) = kind.archiveFolders
        if Folder.exists("\(folder)/\(binary)") { return "\(folder)/\(binary)" }
        if Folder.exists("\(folder)/\(python)") { throw .onlyPythonVersion(path: "\(folder)/\(python)") }
        return folder
    }

    private static func file(_ name: String, in folder: String) throws(DatasetError) -> DataFile {
        let path = "\(folder)/\(name)"
        guard FileSnapshot.byteCount(of: path) != nil else { throw .missingFile(path: folder, expected: name) }
        return try DataFile(path: path)
    }

    private static func classNames(_ kind: Kind, _ folder: String) throws(DatasetError) -> [String] {
        let file = try file(kind.names.file, in: folder)
        let names = try file.text().split(whereSeparator: \.isNewline)
            .map { $0.trimming(while: \.isWhitespace) }.filter { !$0.isEmpty }
        guard names.count == kind.names.count else {
            throw .classNameCount(file: file.name, found: names.count, expected: kind.names.count)
        }
        return names
    }

    private static func recordCount(_ file: DataFile, _ kind: Kind, classCount: Int) throws(DatasetError) -> Int {
        let bytes = file.stored.bytes
        let recordByteCount = kind.labelByteCount + 3 * side * side
        guard !bytes.isEmpty, bytes.count.isMultiple(of: recordByteCount) else {
            throw .partialRecord(file: file.name, byteCount: bytes.count, recordByteCount: recordByteCount)
        }
        let limits = kind == .cifar10 ? [classCount] : [coarseClassCount, classCount]
        for record in 0..<bytes.count / recordByteCount {
            for (place, limit) in limits.enumerated() {
                let label = Int(bytes[record * recordByteCount + place])
                if label >= limit {
                    throw .labelOutOfRange(file: file.name, index: record, found: label, classCount: limit)
                }
            }
        }
        return bytes.count / recordByteCount
    }

    /// The position of an image: its file, its number in that file, and its offset. Units of the offset: bytes.
    private func place(_ index: Int) -> (file: DataFile, record: Int, offset: Int) {
        precondition((0..<count).contains(index), "there is no image \(index) of \(count)")
        let file = ends.firstIndex { index < $0 } ?? 0
        let record = index - (file == 0 ? 0 : ends[file - 1])
        return (files[file], record, record * (labelByteCount + 3 * Self.side * Self.side))
    }

    public func label(at index: Int) -> Int {
        let (file, _, offset) = place(index)
        return Int(file.stored.bytes[offset + labelByteCount - 1])
    }

    public func name(at index: Int) -> String {
        let (file, record, _) = place(index)
        return "\(file.name)#\(record)"
    }

    public func image(at index: Int) throws(DatasetError) -> PixelImage {
        let (file, _, offset) = place(index)
        let planeByteCount = Self.side * Self.side
        let pixels = [UInt8](unsafeUninitializedCapacity: 3 * planeByteCount) { output, count in
            let planes = UnsafeRawBufferPointer(rebasing: file.stored.bytes[(offset + labelByteCount)...])
            for pixel in 0..<planeByteCount {
                for channel in 0..<3 { output[3 * pixel + channel] = planes[channel * planeByteCount + pixel] }
            }
            count = 3 * planeByteCount
        }
        return PixelImage(width: Self.side, height: Self.side, channelCount: 3, pixels: pixels)
    }
}

extension Substring {
    /// The string without matching characters at both ends.
    fileprivate func trimming(while predicate: (Character) -> Bool) -> String {
        let start = drop(while: predicate)
        return String(start.reversed().drop(while: predicate).reversed())
    }
}
