import Files
import Foundation
import ModelTestSupport
import TestSupport
import Testing

@testable import Inference

@Suite("The file system of this machine")
struct FileSystemTests {
    private let fileSystem = LocalFileSystem()

    @Test("Names are those of a folder, hidden ones too; where there is none there are no names")
    func names() throws {
        let folder = try TemporaryFolder()
        try folder.write([1], to: ".hidden")
        try folder.write([1, 2], to: "file")
        try folder.makeFolder("inner")
        #expect(try fileSystem.names(in: folder.path(""))?.sorted() == [".hidden", "file", "inner"])
        #expect(try fileSystem.names(in: folder.path("inner")) == [])
        #expect(try fileSystem.names(in: folder.path("missing")) == nil)
        #expect(try fileSystem.names(in: folder.path("file")) == nil)
        #expect(try fileSystem.names(in: folder.path("file/below")) == nil)
    }

    @Test("A path leads to a file, a folder, something else or nothing")
    func status() throws {
        let folder = try TemporaryFolder()
        try folder.write([1, 2, 3], to: "file")
        try FileManager.default.createSymbolicLink(atPath: folder.path("link"), withDestinationPath: "file")
        try FileManager.default.createSymbolicLink(atPath: folder.path("dangling"), withDestinationPath: "nothing")
        try FileManager.default.createSymbolicLink(atPath: folder.path("loop"), withDestinationPath: "loop")
        #expect(mkfifo(folder.path("pipe"), 0o600) == 0)
        #expect(try fileSystem.status(of: folder.path("file"))?.kind == .file)
        #expect(try fileSystem.status(of: folder.path("file"))?.byteCount == 3)
        #expect(try fileSystem.status(of: folder.path("link")) == (try fileSystem.status(of: folder.path("file"))))
        #expect(try fileSystem.status(of: folder.path(""))?.kind == .folder)
        #expect(try fileSystem.status(of: folder.path("pipe"))?.kind == .other)
        #expect(try fileSystem.status(of: "/dev/null")?.kind == .other)
        for name in ["missing", "dangling", "loop", "file/below", String(repeating: "x", count: 300)] {
            #expect(try fileSystem.status(of: folder.path(name)) == nil, "\(name)")
            #expect(try fileSystem.resolve(folder.path(name)) == nil, "\(name)")
        }
        let real = try #require(try fileSystem.resolve(folder.path("file")))
        #expect(try fileSystem.resolve(folder.path("link")) == real)
        #expect(real.hasSuffix("/file"))
    }

    @Test("What is not there is told apart from what could not be looked at")
    func absences() {
        for code in [ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG] {
            #expect(FileSystemError.isAbsence(code))
            #expect(FileSystemError.isAbsence(FileSystemError.words(code)))
        }
        for code in [EMFILE, ENFILE, EIO, ESTALE, EACCES, EPERM, ENOMEM, ETIMEDOUT] {
            #expect(!FileSystemError.isAbsence(code))
            #expect(!FileSystemError.isAbsence(FileSystemError.words(code)))
            let error = FileSystemError(path: "/x", code: code)
            #expect(error.isShortOfDescriptors == [EMFILE, ENFILE].contains(code))
            let read = FileError.unreadable(file: "/x", reason: FileSystemError.words(code))
            #expect(ModelError.inaccessible(error).isTransient)
            #expect(ModelError.unreadable(read).isTransient)
            #expect(ModelError.checkpoint(file: "/x", .shard(file: "y", .file(read))).isTransient)
        }
        #expect(FileSystemError(path: "/x", code: EIO).description == "/x cannot be accessed: Input/output error")
        let gone = FileError.unreadable(file: "/x", reason: FileSystemError.words(ENOENT))
        #expect(!ModelError.checkpoint(file: "/x", .file(gone)).isTransient)
        #expect(!ModelError.noCheckpoint(folder: "/x").isTransient)
        #expect(ModelError.checkpoint(file: "/x", .file(.changedWhileReading(file: "/x"))).isTransient)
    }

    @Test("An index of shards that cannot be accessed is no index without shards")
    func shards() throws {
        let tiny = try TinyModel()
        let index = tiny.path("model.safetensors.index.json")
        try tiny.write(
            "model.safetensors.index.json", #"{"weight_map": {"classifier.6.bias": "model.safetensors"}}"#)
        let fileSystem = FailingFileSystem()
        let files = ModelFiles(checkpoint: index, classes: nil, fileSystem: fileSystem)
        #expect(try files.shardPaths(ofIndex: index) == [tiny.path("model.safetensors")])
        let before = try files.fingerprint
        fileSystem.fail([.status], code: EIO)
        #expect(throws: FileSystemError.self) { try files.fingerprint }
        #expect(files.hasFolder, "a file system that fails has lost nothing")
        #expect(throws: ModelError.inaccessible(FileSystemError(path: index, reason: "Input/output error"))) {
            try files.located()
        }
        fileSystem.recover()
        #expect(try files.fingerprint == before)
    }

    @Test("What clients are told of a refusal holds neither path nor content")
    func reasons() {
        let secret = "/srv/secret"
        let fileErrors: [FileError] = [
            .unreadable(file: secret, reason: "Input/output error"),
            .unreadable(file: secret, reason: FileSystemError.missing), .notAFile(file: secret),
            .tooLarge(file: secret, byteCount: 7, limit: 6), .changedWhileReading(file: secret),
            .notText(file: secret, found: secret),
        ]
        let causes: [CheckpointError] =
            fileErrors.map { .file($0) } + [
                .unknownFormat(file: secret, found: "begins with the bytes 72 6f"),
                .truncated(what: secret, offset: 1, needed: 2, available: 1), .missingRecord(record: secret),
                .refusedGlobal(name: secret, offset: 5), .notAStateDictionary(found: secret),
                .noTensors(keys: [secret]),
                .unsupportedScalarType(name: secret, found: "x"),
                .invalidHeader(offset: 0, found: secret, expected: "x"),
                .missingTensor(name: secret, expected: [1]), .nonFinite(name: secret, index: 0, value: "nan"),
                .unknownArchitecture(found: [secret]),
                .fitsNoArchitecture(closest: secret, differences: [], count: 0),
            ]
        var errors: [ModelError] = causes.flatMap {
            [.checkpoint(file: secret, $0), .checkpoint(file: secret, .shard(file: secret, $0))]
        }
        errors += fileErrors.map { .unreadable($0) }
        errors += [
            .noFolder(path: secret), .inaccessible(FileSystemError(path: secret, code: EIO)),
            .linkLeavesDirectory(file: secret), .foreignHardLink(file: secret), .checkpointIsFolder(path: secret),
            .noCheckpoint(folder: secret),
            .ambiguousCheckpoint(folder: secret, files: [secret]), .shardsWithoutIndex(folder: secret, shard: secret),
            .noClassMap(folder: secret), .pathOutsideFolder(file: secret),
            .unknownArchitecture(name: secret, known: [secret]), .description(secret),
            .classes(file: secret, .countMismatch(names: 1, outputs: 2)), .classes(file: secret, .empty),
            .nonFiniteOutput, .tooLarge(byteCount: 2, limit: 1),
        ]
        for error in errors {
            let reason = error.reason
            #expect(!reason.contains("secret") && !reason.contains("/") && !reason.contains("72"), "\(reason)")
            #expect(reason.hasPrefix("its ") || reason.hasPrefix("one of its "), "\(reason)")
        }
    }
}
