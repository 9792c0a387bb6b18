import Files
import Foundation
import Inference
import Training

/// An image on the command line: a file, a file in a folder, or standard input.
struct ImageSource: Sendable {
    /// The path as it was given; `-` is standard input.
    let path: String

    /// The largest file. Every image within the decoder's limits is smaller. Units: bytes.
    private static let maxByteCount = 1 << 30

    /// All images at the given paths. A folder stands for the images in it and in its subfolders, sorted by name,
    /// without hidden ones.
    ///
    /// A missing path or a folder without images stays in the list: reading it throws, and the other images are still
    /// read.
    static func all(at paths: [String]) -> (images: [ImageSource], ignored: IgnoredFiles) {
        var all: [ImageSource] = []
        var ignored: [IgnoredFiles.Entry] = []
        for path in paths {
            let files = isFolder(path) ? files(below: path) : []
            let images = files.filter { ImageSuffix($0) == .read }
            all += (images.isEmpty ? [path] : images).map(ImageSource.init)
            ignored += files.filter { ImageSuffix($0) != .read }.map(IgnoredFiles.Entry.init(unread:))
        }
        return (all, IgnoredFiles(ignored))
    }

    private static func isFolder(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory.boolValue
    }

    /// The files in a folder and its subfolders, sorted by name, without hidden ones.
    private static func files(below folder: String) -> [String] {
        let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        return names.sorted()
            .filter { !$0.split(separator: "/").contains { $0.hasPrefix(".") } }
            .map { folder.hasSuffix("/") ? folder + $0 : folder + "/" + $0 }
            .filter { !isFolder($0) }
    }

    /// The path for printing on a terminal: control characters are replaced.
    var label: String { path.printable }

    /// The file's bytes.
    ///
    /// - Throws: ``ImageSourceError``.
    func read() throws(ImageSourceError) -> [UInt8] {
        if path == "-" {
            guard let data = try? FileHandle.standardInput.readToEnd() else { throw .noInput }
            return [UInt8](data)
        }
        if Checkpoint.Format(suffixOf: path) != nil { throw .checkpoint }
        if Self.isFolder(path), !FileManager.default.isReadableFile(atPath: path) {
            throw .unreadable(reason: "The folder cannot be read: Permission denied")
        }
        if Self.isFolder(path) { throw .emptyFolder(suffixes: ImageSuffix.all) }
        do {
            return try FileSnapshot.bytes(of: path, maxByteCount: Self.maxByteCount)
        } catch {
            if case .unreadable(_, let reason) = error { throw .unreadable(reason: "It cannot be read: \(reason)") }
            throw .unreadable(reason: error.description)
        }
    }
}

/// Why an image on the command line cannot be read.
enum ImageSourceError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Standard input is empty or cannot be read.
    case noInput
    /// The folder has no file with one of these suffixes.
    case emptyFolder(suffixes: [String])
    /// The suffix is that of a checkpoint.
    case checkpoint
    /// The file cannot be read. The reason is a sentence without its full stop.
    case unreadable(reason: String)

    var description: String {
        switch self {
        case .noInput: "Standard input has no image."
        case .emptyFolder(let suffixes):
            "The folder has no image (\(suffixes.joined(separator: ", ")))."
        case .checkpoint:
            "By its name this is a checkpoint, not an image; give a model with --checkpoint FILE or --model FOLDER."
        case .unreadable(let reason): reason + "."
        }
    }
}

extension [ImageSource] {
    /// The width of a column of the images' labels: that of the longest one, at most 48. Units: characters.
    var labelWidth: Int { Swift.min(map(\.label.count).max() ?? 0, 48) }
}
