import Files
import Foundation
import Inference
import Training

/// A picture that was named on the command line, or found in a folder that was.
struct PictureSource: Sendable {
    /// As it was named; `-` is standard input.
    let path: String

    /// More than any picture within the decoder's limits has. Units: bytes.
    private static let maxByteCount = 1 << 30

    /// Every picture at the given paths; a folder's are those below it, by name, hidden ones left out.
    ///
    /// A path that is nothing, and a folder without pictures, stand for themselves: reading them tells what is wrong, and
    /// the others are read all the same.
    static func all(at paths: [String]) -> (pictures: [PictureSource], leftOut: LeftOutFiles) {
        var all: [PictureSource] = []
        var leftOut: [LeftOutFiles.Entry] = []
        for path in paths {
            let files = isFolder(path) ? files(below: path) : []
            let pictures = files.filter { PictureSuffix($0) == .read }
            all += (pictures.isEmpty ? [path] : pictures).map(PictureSource.init)
            leftOut += files.filter { PictureSuffix($0) != .read }.map(LeftOutFiles.Entry.init(unread:))
        }
        return (all, LeftOutFiles(leftOut))
    }

    private static func isFolder(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory.boolValue
    }

    /// By name, without what is hidden.
    private static func files(below folder: String) -> [String] {
        let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        return names.sorted()
            .filter { !$0.split(separator: "/").contains { $0.hasPrefix(".") } }
            .map { folder.hasSuffix("/") ? folder + $0 : folder + "/" + $0 }
            .filter { !isFolder($0) }
    }

    /// The path as a terminal may show it: without control characters.
    var label: String {
        String(
            String.UnicodeScalarView(path.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
    }

    /// The file's bytes.
    ///
    /// - Throws: ``PictureSourceError``.
    func read() throws(PictureSourceError) -> [UInt8] {
        if path == "-" {
            guard let data = try? FileHandle.standardInput.readToEnd() else { throw .noInput }
            return [UInt8](data)
        }
        if Checkpoint.Format(suffixOf: path) != nil { throw .checkpoint }
        if Self.isFolder(path), !FileManager.default.isReadableFile(atPath: path) {
            throw .unreadable(reason: "The folder cannot be read: Permission denied")
        }
        if Self.isFolder(path) { throw .emptyFolder(suffixes: PictureSuffix.all) }
        do {
            return try FileSnapshot.bytes(of: path, maxByteCount: Self.maxByteCount)
        } catch {
            if case .unreadable(_, let reason) = error { throw .unreadable(reason: "It cannot be read: \(reason)") }
            throw .unreadable(reason: error.description)
        }
    }
}

/// A picture that was asked for cannot be read.
enum PictureSourceError: Error, Equatable, Sendable, CustomStringConvertible {
    case noInput
    case emptyFolder(suffixes: [String])
    case checkpoint
    case unreadable(reason: String)

    var description: String {
        switch self {
        case .noInput: "Standard input holds no picture."
        case .emptyFolder(let suffixes):
            "The folder holds no picture (\(suffixes.joined(separator: ", ")))."
        case .checkpoint:
            "This is a checkpoint by its name, not a picture; a model is named with --checkpoint FILE or --model FOLDER."
        case .unreadable(let reason): reason + "."
        }
    }
}

extension [PictureSource] {
    /// How wide a column of their names is, within reason. Units: characters.
    var labelWidth: Int { Swift.min(map(\.label.count).max() ?? 0, 48) }
}
