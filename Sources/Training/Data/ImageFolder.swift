import Files
import Foundation
import Inference

/// Images with one folder per class, as in torchvision's `ImageFolder`. The classes are the folders' names, sorted.
///
/// JPEG, PNG and WebP files are read, in nested folders too. Hidden files are skipped, and all others are ``ignored``.
public struct ImageFolder: Dataset {
    public let classNames: [String]
    /// The folder that holds the class folders.
    public let path: String
    public let ignored: IgnoredFiles
    /// The images, sorted by class and then by path.
    let entries: [(label: Int, entry: Folder.Entry)]
    private let decoder: ImageDecoder

    /// The largest image file. Units: bytes.
    static let maxByteCount = 256 << 20

    public var count: Int { entries.count }

    /// Lists the folders; images are read on demand.
    ///
    /// - Parameter needsClasses: whether there must be class folders. Otherwise the images of a folder with fewer than two
    ///   folders are one class without a name.
    /// - Throws: ``DatasetError`` if the folder does not exist, has fewer than two class folders, one of them is empty, or
    ///   there are no images.
    public init(
        _ path: String, needsClasses: Bool = true, decoder: ImageDecoder = ImageDecoder(keptInputs: 0)
    ) throws(DatasetError) {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        self.path = path
        self.decoder = decoder
        try Folder.check(path)
        let folders = try Folder.subfolders(of: path)
        guard needsClasses || folders.count > 1 else {
            let found = try Folder.contents(below: path)
            guard !found.images.isEmpty else {
                throw .noImages(path: path, others: IgnoredFiles(found.ignored).summary)
            }
            classNames = [""]
            entries = found.images.map { (0, $0) }
            ignored = IgnoredFiles(found.ignored)
            return
        }
        classNames = folders
        guard !classNames.isEmpty else { throw .noClassFolders(path: path) }
        var entries: [(label: Int, entry: Folder.Entry)] = []
        var ignored = try Folder.filesBeside(classNames, in: path)
        for (label, name) in classNames.enumerated() {
            let found = try Folder.contents(below: "\(path)/\(name)")
            guard !found.images.isEmpty else {
                throw .emptyClassFolder(path: "\(path)/\(name)", others: IgnoredFiles(found.ignored).summary)
            }
            entries += found.images.map { (label, $0) }
            ignored += found.ignored
        }
        guard classNames.count > 1 else { throw .singleClass(path: path, name: classNames[0]) }
        self.entries = entries
        self.ignored = IgnoredFiles(ignored)
    }

    public func label(at index: Int) -> Int { entries[index].label }

    public func name(at index: Int) -> String { "\(path)/\(relativePath(at: index))" }

    /// The path relative to ``path``.
    func relativePath(at index: Int) -> String {
        let name = classNames[entries[index].label]
        return (name.isEmpty ? "" : name + "/") + entries[index].entry.path
    }

    public func image(at index: Int) throws(DatasetError) -> PixelImage {
        let name = name(at: index)
        let bytes: [UInt8]
        do throws(FileError) {
            bytes = try FileSnapshot.bytes(of: name, maxByteCount: Self.maxByteCount)
        } catch {
            throw DatasetError(error, path: name)
        }
        do throws(ImageError) {
            return try decoder(bytes)
        } catch {
            throw .image(name: name, error)
        }
    }
}

/// The listing of class folders.
enum Folder {
    /// An image file below a class folder.
    struct Entry: Sendable, Equatable {
        /// The path relative to the class folder.
        let path: String
        /// The size of the file. Units: bytes.
        let byteCount: Int
    }

    /// Checks that there is a folder.
    ///
    /// - Throws: ``DatasetError`` that says what is there instead: nothing, a file, or the name of a data set without
    ///   its folder.
    static func check(_ path: String) throws(DatasetError) {
        if exists(path) { return }
        if FileManager.default.fileExists(atPath: path) {
            throw .unreadable(
                path: path, reason: "it is a file, and a folder with one folder for each class is expected")
        }
        let isKind = IDXDataset.Kind(rawValue: path) != nil || CIFARDataset.Kind(rawValue: path) != nil
        throw isKind ? DatasetError.unknownSource(found: path) : DatasetError.noFolder(path: path)
    }

    /// Whether there is a folder at this path.
    static func exists(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory.boolValue
    }

    /// The names of the entries that are not hidden, sorted by Unicode scalars as in Python.
    static func names(in path: String) throws(DatasetError) -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: path)
                .filter { !$0.hasPrefix(".") }
                .sorted { $0.unicodeScalars.lexicographicallyPrecedes($1.unicodeScalars) }
        } catch {
            throw .unreadable(path: path, reason: "its entries cannot be listed")
        }
    }

    /// The names of the folders in a folder, sorted.
    static func subfolders(of path: String) throws(DatasetError) -> [String] {
        try names(in: path).filter { exists("\(path)/\($0)") }
    }

    /// All JPEG, PNG and WebP files below a folder, sorted by path.
    static func images(below path: String) throws(DatasetError) -> [Entry] { try contents(below: path).images }

    /// All JPEG, PNG and WebP files below a folder, and all other files that are not hidden, both sorted by path. Links
    /// are followed, but no folder is listed twice, so a cycle of links ends.
    static func contents(
        below path: String
    ) throws(DatasetError) -> (images: [Entry], ignored: [IgnoredFiles.Entry]) {
        var entries: [Entry] = []
        var ignored: [IgnoredFiles.Entry] = []
        var visited: Set<String> = []
        var waiting = [""]
        while let prefix = waiting.popLast() {
            let folder = prefix.isEmpty ? path : "\(path)/\(prefix)"
            let real = URL(fileURLWithPath: folder).resolvingSymlinksInPath().path
            guard visited.insert(real).inserted else { continue }
            for name in try names(in: folder) {
                let inner = prefix.isEmpty ? name : "\(prefix)/\(name)"
                if ImageSuffix(name) == .read, let byteCount = FileSnapshot.byteCount(of: "\(path)/\(inner)") {
                    entries.append(Entry(path: inner, byteCount: byteCount))
                } else if exists("\(path)/\(inner)") {
                    waiting.append(inner)
                } else {
                    ignored.append(entry("\(path)/\(inner)"))
                }
            }
        }
        return (
            entries.sorted { $0.path.unicodeScalars.lexicographicallyPrecedes($1.path.unicodeScalars) },
            ignored.sorted { $0.path.unicodeScalars.lexicographicallyPrecedes($1.path.unicodeScalars) }
        )
    }

    /// The files in a folder that should hold only folders.
    static func filesBeside(_ subfolders: [String], in path: String) throws(DatasetError) -> [IgnoredFiles.Entry] {
        let folders = Set(subfolders)
        var ignored: [IgnoredFiles.Entry] = []
        for name in try names(in: path) where !folders.contains(name) {
            let isImage = ImageSuffix(name) == .read && FileSnapshot.byteCount(of: "\(path)/\(name)") != nil
            let file = "\(path)/\(name)"
            ignored.append(isImage ? IgnoredFiles.Entry(path: file, reason: .outsideClasses) : entry(file))
        }
        return ignored
    }

    /// An ignored file. The reason is its suffix or, if that is an image's, that the file cannot be opened.
    private static func entry(_ file: String) -> IgnoredFiles.Entry {
        ImageSuffix(file) == .read
            ? IgnoredFiles.Entry(path: file, reason: .noFile) : IgnoredFiles.Entry(unread: file)
    }
}
