import Foundation
import Inference
import TestSupport
import Testing

@testable import Training

@Suite(.timeLimit(.minutes(2))) struct ImageFolderTests {
    @Test func `folders are classes by name, and images below them are sorted by path`() throws {
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
        #expect(try data.image(at: 3) == ImageDecoder()(TestPicture.png))
    }

    @Test func `where no classes are needed, fewer than two folders are one class without a name`() throws {
        let folder = try TemporaryFolder()
        #expect(throws: DatasetError.noImages(path: folder.path(""))) {
            try ImageFolder(folder.path(""), needsClasses: false)
        }
        try folder.write(TestPicture.png, to: "b.png")
        try folder.write(TestPicture.png, to: "inner/a.png")
        let data = try ImageFolder(folder.path(""), needsClasses: false)
        #expect(data.classNames == [""])
        #expect((0..<data.count).map { data.relativePath(at: $0) } == ["b.png", "inner/a.png"])
        #expect(data.name(at: 0) == "\(folder.path(""))/b.png")
        #expect(try data.image(at: 1) == ImageDecoder()(TestPicture.png))
        try folder.write(TestPicture.png, to: "outer/a.png")
        #expect(try ImageFolder(folder.path(""), needsClasses: false).classNames == ["inner", "outer"])
        #expect(try DataSource(folder.path(""), needsClasses: false).evaluation().count == 2)
    }

    @Test func `links are followed, and a circle of them ends`() throws {
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

    @Test func `a folder that cannot be learned from is refused with its reason`() throws {
        let folder = try TemporaryFolder()
        #expect(throws: DatasetError.noFolder(path: folder.path("none"))) {
            try ImageFolder(folder.path("none"))
        }
        try folder.write(TestPicture.png, to: "a.png")
        #expect(
            throws: DatasetError.unreadable(
                path: folder.path("a.png"),
                reason: "it is a file, and a folder with one folder for each class is expected")
        ) { try ImageFolder(folder.path("a.png")) }
        #expect(throws: DatasetError.unknownSource(found: "cifar10")) { try ImageFolder("cifar10") }
        #expect(throws: DatasetError.noClassFolders(path: folder.path(""))) { try ImageFolder(folder.path("")) }
        try folder.write(TestPicture.png, to: "daisy/a.png")
        #expect(throws: DatasetError.singleClass(path: folder.path(""), name: "daisy")) {
            try ImageFolder(folder.path(""))
        }
        try folder.write([1], to: "roses/a.gif")
        #expect(throws: DatasetError.emptyClassFolder(path: folder.path("roses"), others: "1 .gif")) {
            try ImageFolder(folder.path(""))
        }
    }

    @Test func `what lies among the images and is none is counted and named by its reason, in parts of the folder too`()
        throws
    {
        let folder = try TemporaryFolder()
        for name in ["a/1.png", "a/2.JPG", "b/1.jfif", "b/deep/2.webp", "stray.png"] {
            try folder.write(TestPicture.png, to: name)
        }
        for name in [
            "a/1.bmp", "a/2.bmp", "a/3.BMP", "a/4.bmp", "b/deep/1.tiff", "b/notes.txt", "b/Makefile", ".DS_Store",
            "b/._1.png", "a/.hidden/1.png",
        ] {
            try folder.write([1], to: name)
        }
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("b/gone.png"), withDestinationPath: folder.path("nowhere.png"))
        let data = try ImageFolder(folder.path(""))
        #expect((0..<data.count).map(data.relativePath) == ["a/1.png", "a/2.JPG", "b/1.jfif", "b/deep/2.webp"])
        #expect(data.ignored.count == 9)
        #expect(
            Set(data.ignored.sentences) == [
                "4 files .bmp: only JPEG, PNG and WebP are read, so convert them to include them: "
                    + "\(folder.path("a/1.bmp")), \(folder.path("a/2.bmp")), \(folder.path("a/3.BMP")), …",
                "1 file .tiff: only JPEG, PNG and WebP are read, so convert them to include them: "
                    + folder.path("b/deep/1.tiff"),
                "1 file .txt, not an image by the name: \(folder.path("b/notes.txt"))",
                "1 file without a suffix, not an image by the name: \(folder.path("b/Makefile"))",
                "1 file outside the class folders, which have no class: \(folder.path("stray.png"))",
                "1 file that cannot be opened, for instance a dangling link: \(folder.path("b/gone.png"))",
            ])
        #expect(data.ignored.groups.first?.paths.count == 4)
        let part = Subset(data, indices: [0])
        #expect(part.ignored == data.ignored)
        #expect(InvertedImages(part).ignored == data.ignored)
    }

    @Test func `an image that is corrupt or gone is named`() throws {
        let folder = try TemporaryFolder()
        try folder.write(TestPicture.truncatedPNG, to: "a/1.png")
        try folder.write(TestPicture.png, to: "b/1.png")
        let data = try ImageFolder(folder.path(""))
        #expect(throws: DatasetError.image(name: folder.path("a/1.png"), .truncated(format: .png))) {
            try data.image(at: 0)
        }
        try FileManager.default.removeItem(atPath: folder.path("b/1.png"))
        #expect(
            throws: DatasetError.unreadable(path: folder.path("b/1.png"), reason: "No such file or directory")
        ) { try data.image(at: 1) }
    }
}
