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

    /// In lower case.
    private static let suffixes = [".jpg", ".jpeg", ".jpe", ".png", ".webp"]

    /// - Throws: ``DatasetError/noFolder(path:)``
    static func check(_ path: String) throws(DatasetError) {
        guard exists(path) else { throw .noFolder(path: path) }
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

    /// All JPEG, PNG and WebP files below a folder, sorted by path. Links are followed; a folder that was listed is not
    /// listed again, so that links in a circle end.
    static func pictures(below path: String) throws(DatasetError) -> [Entry] {
        var entries: [Entry] = []
        var visited: Set<String> = []
        var waiting = [""]
        while let prefix = waiting.popLast() {
            let folder = prefix.isEmpty ? path : "\(path)/\(prefix)"
            let real = URL(fileURLWithPath: folder).resolvingSymlinksInPath().path
            guard visited.insert(real).inserted else { continue }
            for name in try names(in: folder) {
                let inner = prefix.isEmpty ? name : "\(prefix)/\(name)"
                let lowercased = name.lowercased()
                if suffixes.contains(where: lowercased.hasSuffix) {
                    if let byteCount = FileSnapshot.byteCount(of: "\(path)/\(inner)") {
                        entries.append(Entry(path: inner, byteCount: byteCount))
                        continue
                    }
                }
                if exists("\(path)/\(inner)") { waiting.append(inner) }
            }
        }
        return entries.sorted { $0.path.unicodeScalars.lexicographicallyPrecedes($1.path.unicodeScalars) }
    }
}
