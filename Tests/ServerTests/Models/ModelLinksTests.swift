import Foundation
import Glibc
import Inference
import ModelTestSupport
import TestSupport
import Testing

@testable import Files
@testable import Server

@Suite(.timeLimit(.minutes(2)))
struct ModelLinksTests {
    private static let secret = "root:secret-of-another-user"
    private static let refusal = "one of its files is a symbolic link that leads out of the models directory"

    private func link(_ path: String, to target: String) throws {
        try? FileManager.default.removeItem(atPath: path)
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: target)
    }

    @Test(arguments: ["model.safetensors", "class_indices.json", "model.json"])
    func
        `A link that leads out of the directory is refused without a word of what it leads to, unless the settings allow it`(
            _ name: String
        ) async throws
    {
        let outside = try TinyModel(seed: 5)
        try outside.write("model.json", "{}")
        try outside.write("secret", Self.secret)
        let directory = try ModelDirectory(["a"])
        for target in [outside.path("secret"), outside.path(name), "../../../../../../../../etc/passwd"] {
            try link(directory.path + "/a/" + name, to: target)
            let store = try directory.store()
            #expect(await store.loadAll() == 0)
            #expect(store["a"]?.absence?.reason == Self.refusal)
        }
        #expect(directory.log(Self.secret).isEmpty)
        #expect(directory.log("models.follow_outside_links").count == 3, "the log says what to do")
        try link(directory.path + "/a/" + name, to: outside.path(name))
        #expect(await (try directory.store(followsOutsideLinks: true)).loadAll() == 1)
    }

    @Test func `A folder that is a link out of the directory is refused too, and a shard of an index`() async throws {
        let outside = try TinyModel(seed: 5)
        let directory = try ModelDirectory(["a"])
        try link(directory.path + "/b", to: outside.folder.path)
        let store = try directory.store()
        #expect(await store.loadAll() == 1)
        #expect(store["b"]?.absence?.reason == Self.refusal)
        #expect(await (try directory.store(followsOutsideLinks: true)).loadAll() == 2)

        try directory.remove("b")
        try directory.add("c", seed: 3)
        let shard = "model-00001-of-00001.safetensors"
        try FileManager.default.moveItem(
            atPath: directory.path + "/c/model.safetensors", toPath: directory.path + "/c/moved")
        try Data(#"{"metadata":{},"weight_map":{"classifier.6.bias":"\#(shard)"}}"#.utf8)
            .write(to: URL(fileURLWithPath: directory.path + "/c/model.safetensors.index.json"))
        try link(directory.path + "/c/" + shard, to: outside.path("model.safetensors"))
        let sharded = try directory.store()
        _ = await sharded.loadAll()
        #expect(sharded["c"]?.absence?.reason == Self.refusal)
    }

    @Test
    func
        `Links within the directory work, and a directory that is a link itself, as Kubernetes and git-sync make them`()
        async throws
    {
        let directory = try ModelDirectory(["a", "b"])
        // A volume of a ConfigMap: every file is a link through `..data`, which is swapped.
        let folder = directory.path + "/a"
        for (version, seed) in [("..v1", 11), ("..v2", 12)] as [(String, UInt64)] {
            try FileManager.default.createDirectory(atPath: folder + "/" + version, withIntermediateDirectories: true)
            try Data(TinyModel.checkpoint(classCount: 3, seed: seed))
                .write(to: URL(fileURLWithPath: folder + "/" + version + "/model.safetensors"))
        }
        try link(folder + "/..data", to: "..v1")
        try link(folder + "/model.safetensors", to: "..data/model.safetensors")
        // A file of another model, and a folder under two names.
        try link(directory.path + "/b/class_indices.json", to: directory.path + "/a/class_indices.json")
        try link(directory.path + "/c", to: "b")
        let store = try directory.store()
        #expect(await store.loadAll() == 3)
        let version = store["a"]?.model?.version
        try link(folder + "/..new", to: "..v2")
        #expect(rename(folder + "/..new", folder + "/..data") == 0)
        await store.look(times: 3)
        #expect(store["a"]?.model != nil)
        #expect(store["a"]?.model?.version != version)

        let alias = directory.path + "-link"
        try link(alias, to: directory.path)
        defer { try? FileManager.default.removeItem(atPath: alias) }
        let models = try ModelStore.folders(in: alias)
        #expect(models.count == 3)
        for model in models { #expect(throws: Never.self) { _ = try model.located() } }
        let sibling = directory.path + "-other"
        try FileManager.default.createDirectory(atPath: sibling, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: sibling) }
        try Data(Self.secret.utf8).write(to: URL(fileURLWithPath: sibling + "/labels.txt"))
        try link(folder + "/class_indices.json", to: sibling + "/labels.txt")
        let neighbour = try ModelFiles(folder: folder, boundary: directory.path)
        #expect(throws: ModelError.linkLeavesDirectory(file: folder + "/class_indices.json")) {
            try neighbour.located()
        }
    }

    /// The file system of this machine, in which checkpoints have two names.
    private struct LinkedFiles: FileSystem {
        /// Whose they are, relative to their folder's owner.
        let isForeign: Bool
        private let local = LocalFileSystem()

        init(isForeign: Bool) { self.isForeign = isForeign }

        func names(in folder: String) throws(FileSystemError) -> [String]? { try local.names(in: folder) }
        func resolve(_ path: String) throws(FileSystemError) -> String? { try local.resolve(path) }
        func status(of path: String) throws(FileSystemError) -> FileStatus? {
            guard path.hasSuffix(".safetensors") else { return try local.status(of: path) }
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            status.st_nlink = 2
            if isForeign { status.st_uid += 1 }
            return FileStatus(status)
        }
    }

    @Test func `A hard link to another user's file is refused, one to the same user's is not`() throws {
        let directory = try ModelDirectory(["a"])
        let folder = directory.path + "/a"
        let own = try ModelFiles(folder: folder, boundary: directory.path, fileSystem: LinkedFiles(isForeign: false))
        #expect(throws: Never.self) { try own.located() }
        let foreign = LinkedFiles(isForeign: true)
        let error = ModelError.foreignHardLink(file: folder + "/model.safetensors")
        #expect(throws: error) {
            try ModelFiles(folder: folder, boundary: directory.path, fileSystem: foreign).located()
        }
        // models.follow_outside_links
        #expect(throws: Never.self) { try ModelFiles(folder: folder, fileSystem: foreign).located() }
    }

    @Test func `A hard link to a secret is read, refused, and not told to clients`() async throws {
        let directory = try ModelDirectory(["a"])
        let secret = directory.path + "/a/secret.md"
        try Data(Self.secret.utf8).write(to: URL(fileURLWithPath: secret))
        for name in ["model.safetensors", "class_indices.json", "model.json"] {
            let path = directory.path + "/a/" + name
            try? FileManager.default.removeItem(atPath: path)
            #expect(hardLink(secret, path) == 0)
            let store = try directory.store()
            _ = await store.loadAll()
            let reason = try #require(store["a"]?.absence?.reason)
            #expect(!reason.contains("root") && !reason.contains("72") && !reason.contains("/"), "\(reason)")
        }
    }

    @Test(arguments: [
        ("model.safetensors", "its checkpoint is not a regular file"),
        ("class_indices.json", "one of its text files cannot be read"),
        ("model.json", "one of its text files cannot be read"),
    ])
    func `A pipe in the place of a file is refused at once, and one beside the files is left alone`(
        _ name: String, _ reason: String
    ) async throws {
        let directory = try ModelDirectory(["a"])
        #expect(mkfifo(directory.path + "/a/pipe", 0o600) == 0)
        #expect(mkfifo(directory.path + "/b", 0o600) == 0)
        let store = try directory.store()
        #expect(await store.loadAll() == 1)
        await store.look(times: 2)
        let path = directory.path + "/a/" + name
        try? FileManager.default.removeItem(atPath: path)
        #expect(mkfifo(path, 0o600) == 0)
        #expect(await store["a"]?.reload() == .failure(reason: reason))
        #expect(store["a"]?.model != nil)
        // A device that opening would do something to is not opened either.
        try link(path, to: "/dev/null")
        #expect(await (try directory.store(followsOutsideLinks: true)).loadAll() == 0)
    }

    /// link(2), whose name a method here has.
    private func hardLink(_ old: String, _ new: String) -> Int32 { Glibc.link(old, new) }
}
