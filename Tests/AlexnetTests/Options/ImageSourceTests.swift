import Foundation
import Testing

@testable import alexnet

@Suite(.timeLimit(.minutes(2))) struct ImageSourceTests {
    /// A folder with images, other files and a folder below.
    private func folder() throws -> String {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("images-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: folder.appendingPathComponent("below/folder.jpg"), withIntermediateDirectories: true)
        for name in ["b.JPG", "a.png", "notes.txt", "below/c.webp", ".hidden.png", "line\nbreak.png"] {
            try Data([1, 2, 3]).write(to: folder.appendingPathComponent(name))
        }
        return folder.path
    }

    @Test func `a folder stands for the images in and below it, by name; files and - for themselves`() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Data().write(to: URL(fileURLWithPath: folder + "/below/scan.TIFF"))
        let (sources, ignored) = ImageSource.all(at: ["-", folder, folder + "/notes.txt"])
        #expect(
            sources.map(\.path) == [
                "-", folder + "/a.png", folder + "/b.JPG", folder + "/below/c.webp", folder + "/line\nbreak.png",
                folder + "/notes.txt",
            ])
        #expect(try sources[1].read() == [1, 2, 3])
        #expect(
            ignored.sentences == [
                "1 file .tiff: only JPEG, PNG and WebP are read, so convert them to include them: "
                    + "\(folder)/below/scan.TIFF",
                "1 file .txt, not an image by the name: \(folder)/notes.txt",
            ])
        #expect(sources[4].label == folder + "/line?break.png")
    }

    @Test func `what is not there, and a folder without images, are read last and tell what is wrong`() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder + "/empty", withIntermediateDirectories: true)
        let sources = ImageSource.all(at: [folder + "/none.jpg", folder + "/empty", folder + "/a.png"]).images
        #expect(sources.count == 3)
        let missing = #expect(throws: ImageSourceError.self) { try sources[0].read() }
        #expect(missing?.description == "It cannot be read: No such file or directory.")
        let empty = #expect(throws: ImageSourceError.self) { try sources[1].read() }
        #expect(empty?.description == "The folder has no image (.jpg, .jpeg, .jpe, .jfif, .png, .webp).")
        #expect(try sources[2].read() == [1, 2, 3])
    }
}
