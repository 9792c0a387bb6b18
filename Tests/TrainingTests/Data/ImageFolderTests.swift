import Foundation
import Inference
import TestSupport
import Testing

@testable import Training

struct ImageFolderTests {
    @Test("Folders are classes by name, and pictures below them are sorted by path")
    func read() throws {
        let folder = try TemporaryFolder()
        for name in ["tulips/b.png", "tulips/deep/er/a.PNG", "tulips/a.png", "daisy/x.png", "Zinnia/1.png"] {
            try folder.write(TestPicture.png, to: name)
        }
        for name in ["tulips/notes.txt", "tulips/.hidden.png", ".git/x.png", "readme.png", "daisy/._x.png"] {
            try folder.write(TestPicture.png, to: name)
        }
        let data = try ImageFolder(folder.path("") + "/")
        #expect(data.classNames == ["Zinnia", "daisy", "tulips"])
        #expect(
            (0..<data.count).map { data.name(at: $0) }
                == ["Zinnia/1.png", "daisy/x.png", "tulips/a.png", "tulips/b.png", "tulips/deep/er/a.PNG"]
                .map { "\(folder.path(""))/\($0)" })
        #expect((0..<data.count).map(data.label) == [0, 1, 2, 2, 2])
        #expect(try data.picture(at: 3) == ImageDecoder()(TestPicture.png))
    }

    @Test("Links are followed, and a circle of them ends")
    func links() throws {
        let folder = try TemporaryFolder()
        try folder.write(TestPicture.png, to: "elsewhere/a.png")
        try folder.write(TestPicture.png, to: "data/one/a.png")
        try folder.makeFolder("data/two")
        let links = [("data/two/link", "elsewhere"), ("elsewhere/back", "data/two"), ("data/one/self", "data/one")]
        for (link, target) in links {
            try FileManager.default.createSymbolicLink(
                atPath: "\(folder.path(""))/\(link)", withDestinationPath: "\(folder.path(""))/\(target)")
        }
        let data = try ImageFolder(folder.path("") + "/data")
        #expect((0..<data.count).map { data.relativePath(at: $0) } == ["one/a.png", "two/link/a.png"])
    }

    @Test("A folder that cannot be learned from is refused with its reason")
    func refused() throws {
        let folder = try TemporaryFolder()
        #expect(throws: DatasetError.noFolder(path: folder.path("none"))) {
            try ImageFolder(folder.path("none"))
        }
        try folder.write(TestPicture.png, to: "a.png")
        #expect(throws: DatasetError.noFolder(path: folder.path("a.png"))) {
            try ImageFolder(folder.path("a.png"))
        }
        #expect(throws: DatasetError.noClassFolders(path: folder.path(""))) { try ImageFolder(folder.path("")) }
        try folder.write(TestPicture.png, to: "daisy/a.png")
        #expect(throws: DatasetError.singleClass(path: folder.path(""), name: "daisy")) {
            try ImageFolder(folder.path(""))
        }
        try folder.write([1], to: "roses/a.gif")
        #expect(throws: DatasetError.emptyClassFolder(path: folder.path("roses"))) {
            try ImageFolder(folder.path(""))
        }
    }

    @Test("A picture that is corrupt or gone is named")
    func unreadable() throws {
        let folder = try TemporaryFolder()
        try folder.write(TestPicture.truncatedPNG, to: "a/1.png")
        try folder.write(TestPicture.png, to: "b/1.png")
        let data = try ImageFolder(folder.path(""))
        #expect(throws: DatasetError.picture(name: folder.path("a/1.png"), .truncated(format: .png))) {
            try data.picture(at: 0)
        }
        try FileManager.default.removeItem(atPath: folder.path("b/1.png"))
        #expect(
            throws: DatasetError.unreadable(path: folder.path("b/1.png"), reason: "No such file or directory")
        ) { try data.picture(at: 1) }
    }
}
