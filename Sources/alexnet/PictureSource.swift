import Foundation

/// A picture that was named on the command line, or found in a folder that was.
struct PictureSource: Sendable {
    /// As it was named; `-` is standard input.
    let path: String

    /// The suffixes by which a folder's pictures are known.
    private static let suffixes = ["jpg", "jpeg", "png", "webp"]

    /// Every picture at the given paths; a folder's are those below it, by name.
    ///
    /// - Throws: ``PictureSourceError``.
    static func all(at paths: [String]) throws(PictureSourceError) -> [PictureSource] {
        var sources: [PictureSource] = []
        for path in paths {
            var isDirectory: ObjCBool = false
            if path == "-" {
                sources.append(PictureSource(path: path))
            } else if !FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) {
                throw PictureSourceError.missing(path: path)
            } else if isDirectory.boolValue {
                let found = pictures(below: path)
                guard !found.isEmpty else { throw PictureSourceError.emptyFolder(path: path, suffixes: suffixes) }
                sources += found
            } else {
                sources.append(PictureSource(path: path))
            }
        }
        return sources
    }

    private static func pictures(below folder: String) -> [PictureSource] {
        let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        return names.sorted()
            .filter { suffixes.contains(URL(fileURLWithPath: $0).pathExtension.lowercased()) }
            .map { PictureSource(path: folder.hasSuffix("/") ? folder + $0 : folder + "/" + $0) }
    }

    /// The file's bytes.
    ///
    /// - Throws: ``PictureSourceError``.
    func read() throws(PictureSourceError) -> [UInt8] {
        do {
            let data =
                try path == "-"
                ? FileHandle.standardInput.readToEnd() ?? Data() : Data(contentsOf: URL(fileURLWithPath: path))
            return [UInt8](data)
        } catch {
            throw PictureSourceError.unreadable(path: path, reason: error.localizedDescription)
        }
    }
}

/// A picture that was asked for is not there.
enum PictureSourceError: Error, Sendable, CustomStringConvertible {
    case missing(path: String)
    case emptyFolder(path: String, suffixes: [String])
    case unreadable(path: String, reason: String)

    var description: String {
        switch self {
        case .missing(let path): "There is no file or folder \(path)."
        case .emptyFolder(let path, let suffixes):
            "The folder \(path) holds no picture (\(suffixes.map { "." + $0 }.joined(separator: ", ")))."
        case .unreadable(let path, let reason): "\(path) cannot be read: \(reason)."
        }
    }
}

extension [PictureSource] {
    /// How wide a column of their names is, within reason. Units: characters.
    var labelWidth: Int { Swift.min(map(\.path.count).max() ?? 0, 48) }
}
