import Foundation
import Inference

/// A picture that was named on the command line, or found in a folder that was.
struct PictureSource: Sendable {
    /// As it was named; `-` is standard input.
    let path: String

    /// The suffixes by which a folder's pictures are known.
    private static let suffixes = ["jpg", "jpeg", "png", "webp"]
    /// More than any picture within the decoder's limits has. Units: bytes.
    private static let maxByteCount = 1 << 30

    /// Every picture at the given paths; a folder's are those below it, by name, hidden ones left out.
    ///
    /// A path that is nothing, and a folder without pictures, stand for themselves: reading them tells what is wrong, and
    /// the others are read all the same.
    static func all(at paths: [String]) -> [PictureSource] {
        paths.flatMap { path in
            let found = isFolder(path) ? pictures(below: path) : []
            return found.isEmpty ? [PictureSource(path: path)] : found
        }
    }

    private static func isFolder(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory.boolValue
    }

    private static func pictures(below folder: String) -> [PictureSource] {
        let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        return names.sorted()
            .filter { name in
                suffixes.contains(URL(fileURLWithPath: name).pathExtension.lowercased())
                    && !name.split(separator: "/").contains { $0.hasPrefix(".") }
            }
            .map { PictureSource(path: folder.hasSuffix("/") ? folder + $0 : folder + "/" + $0) }
            .filter { !isFolder($0.path) }
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
        if Self.isFolder(path) { throw .emptyFolder(suffixes: Self.suffixes) }
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
    case unreadable(reason: String)

    var description: String {
        switch self {
        case .noInput: "Standard input holds no picture."
        case .emptyFolder(let suffixes):
            "The folder holds no picture (\(suffixes.map { "." + $0 }.joined(separator: ", ")))."
        case .unreadable(let reason): reason + "."
        }
    }
}

extension [PictureSource] {
    /// How wide a column of their names is, within reason. Units: characters.
    var labelWidth: Int { Swift.min(map(\.label.count).max() ?? 0, 48) }
}
