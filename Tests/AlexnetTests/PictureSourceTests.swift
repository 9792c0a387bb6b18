import Foundation
import Testing

@testable import alexnet

@Suite("Pictures on the command line")
struct PictureSourceTests {
    /// A folder with pictures, other files and a folder below.
    private func folder() throws -> String {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("pictures-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: folder.appendingPathComponent("below"), withIntermediateDirectories: true)
        for name in ["b.JPG", "a.png", "notes.txt", "below/c.webp"] {
            try Data([1, 2, 3]).write(to: folder.appendingPathComponent(name))
        }
        return folder.path
    }

    @Test("A folder stands for the pictures in and below it, by name; files and - for themselves")
    func all() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let sources = try PictureSource.all(at: ["-", folder, folder + "/notes.txt"])
        #expect(
            sources.map(\.path) == [
                "-", folder + "/a.png", folder + "/b.JPG", folder + "/below/c.webp", folder + "/notes.txt",
            ])
        #expect(try sources[1].read() == [1, 2, 3])
    }

    @Test("What is not there, and a folder without pictures, are named")
    func missing() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let missing = #expect(throws: PictureSourceError.self) { try PictureSource.all(at: [folder + "/none.jpg"]) }
        #expect(missing?.description == "There is no file or folder \(folder)/none.jpg.")
        try FileManager.default.createDirectory(atPath: folder + "/empty", withIntermediateDirectories: true)
        let empty = #expect(throws: PictureSourceError.self) { try PictureSource.all(at: [folder + "/empty"]) }
        #expect(empty?.description == "The folder \(folder)/empty holds no picture (.jpg, .jpeg, .png, .webp).")
    }
}
