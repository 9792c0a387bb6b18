import Files
import Foundation
import Inference

/// What a folder of class folders holds.
enum Folder {
    /// A picture's file below a class folder.
    struct Entry: Sendable, Equatable {
        /// From the class folder on.
        let path: String
        /// Units: bytes.
        let byteCount: Int
    }

    /// Refuses what is no folder: a file, and one of the published kinds of data without its folder.
    static func check(_ path: String) throws(DatasetError) {
        if exists(path) { return }
        if FileManager.default.fileExists(atPath: path) {
            throw .unreadable(
                path: path, reason: "it is a file, and a folder with one folder for each class is expected")
        }
        let isKind = IDXDataset.Kind(rawValue: path) != nil || CIFARDataset.Kind(rawValue: path) != nil
        throw isKind ? DatasetError.unknownSource(found: path) : DatasetError.noFolder(path: path)
    }

    /// Is there a folder?
    static func exists(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory.boolValue
    }

    /// What is not hidden, sorted by the names' scalars, as Python sorts.
    static func names(in path: String) throws(DatasetError) -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: path)
                .filter { !$0.hasPrefix(".") }
                .sorted { $0.unicodeScalars.lexicographicallyPrecedes($1.unicodeScalars) }
        } catch {
            throw .unreadable(path: path, reason: "its entries cannot be listed")
        }
    }

    /// The folders in a folder, sorted.
    static func subfolders(of path: String) throws(DatasetError) -> [String] {
        try names(in: path).filter { exists("\(path)/\($0)") }
    }

    /// All JPEG, PNG and WebP files below a folder, sorted by path.
    static func pictures(below path: String) throws(DatasetError) -> [Entry] { try contents(below: path).pictures }

    /// All JPEG, PNG and WebP files below a folder, and all others that are not hidden, both sorted by path. Links are followed; a
    /// folder that was listed is not listed again, so that links in a circle end.
    static func contents(
        below path: String
    ) throws(DatasetError) -> (pictures: [Entry], leftOut: [LeftOutFiles.Entry]) {
        var entries: [Entry] = []
        var leftOut: [LeftOutFiles.Entry] = []
        var visited: Set<String> = []
        var waiting = [""]
        while let prefix = waiting.popLast() {
            let folder = prefix.isEmpty ? path : "\(path)/\(prefix)"
            let real = URL(fileURLWithPath: folder).resolvingSymlinksInPath().path
            guard visited.insert(real).inserted else { continue }
            for name in try names(in: folder) {
                let inner = prefix.isEmpty ? name : "\(prefix)/\(name)"
                if PictureSuffix(name) == .read, let byteCount = FileSnapshot.byteCount(of: "\(path)/\(inner)") {
                    entries.append(Entry(path: inner, byteCount: byteCount))
                } else if exists("\(path)/\(inner)") {
                    waiting.append(inner)
                } else {
                    leftOut.append(entry("\(path)/\(inner)"))
                }
            }
        }
        return (
            entries.sorted { $0.path.unicodeScalars.lexicographicallyPrecedes($1.path.unicodeScalars) },
            leftOut.sorted { $0.path.unicodeScalars.lexicographicallyPrecedes($1.path.unicodeScalars) }
        )
    }

    /// The files in a folder that has only folders to offer.
    static func filesBeside(_ subfolders: [String], in path: String) throws(DatasetError) -> [LeftOutFiles.Entry] {
        let folders = Set(subfolders)
        var leftOut: [LeftOutFiles.Entry] = []
        for name in try names(in: path) where !folders.contains(name) {
            let isPicture = PictureSuffix(name) == .read && FileSnapshot.byteCount(of: "\(path)/\(name)") != nil
            let file = "\(path)/\(name)"
            leftOut.append(isPicture ? LeftOutFiles.Entry(path: file, reason: .outsideClasses) : entry(file))
        }
        return leftOut
    }

    /// A file that is left out, by its suffix or, where that is a picture's, because it cannot be had.
    private static func entry(_ file: String) -> LeftOutFiles.Entry {
        PictureSuffix(file) == .read
            ? LeftOutFiles.Entry(path: file, reason: .noFile) : LeftOutFiles.Entry(unread: file)
    }
}
