import Files
import Foundation
import Inference
import ModelTestSupport
import TestSupport
import Testing

@testable import Server

@Suite(.timeLimit(.minutes(2)))
struct UnseenFilesTests {
    private static let codes = [EMFILE, ENFILE, EIO, ESTALE, EACCES, ENOMEM]

    @Test(arguments: codes)
    func `A look that fails is not a change: no reload is tried, and what changed meanwhile follows`(_ code: Int32)
        async throws
    {
        for question in [FailingFileSystem.Question.names, .status] {
            let directory = try ModelDirectory(["a", "b"])
            let store = try directory.store()
            #expect(await store.loadAll() == 2)
            let version = try #require(store["a"]?.model?.version)
            directory.fileSystem.fail([question], code: code)
            await store.look(times: 5)
            #expect(store["a"]?.model?.version == version)
            #expect(store["a"]?.absence == nil)
            #expect(store.slots.count == 2)
            for outcome in ReloadOutcome.allCases { #expect(directory.reloads("a", outcome) == 0, "\(outcome)") }
            #expect(directory.log("cannot be accessed").count <= 3, "once a model and once for the directory")
            #expect(!directory.log("cannot be accessed").isEmpty)

            try directory.replace("a", seed: 7)
            await store.look(times: 3)
            #expect(store["a"]?.model?.version == version)
            directory.fileSystem.recover()
            await store.look(times: 3)
            #expect(store["a"]?.model?.version != version)
            #expect(directory.reloads("a", .success) == 1)
            #expect(directory.reloads("a", .failure) == 0)
            #expect(directory.reloads("b", .success) == 0)
            #expect(!directory.log("can be looked at again").isEmpty)
        }
    }

    @Test
    func `A load that cannot read is postponed and follows by itself; the running model has no reason against it`()
        async throws
    {
        let directory = try ModelDirectory(["a"])
        let store = try directory.store()
        _ = await store.loadAll()
        let slot = try #require(store["a"])
        let version = try #require(slot.model?.version)
        try directory.replace("a", seed: 7)
        directory.fileSystem.fail([.resolve], code: EIO)
        #expect(await slot.reload() == .postponed(reason: "its files cannot be accessed for the moment"))
        #expect(slot.absence == nil)
        #expect(slot.model?.version == version)
        #expect(directory.reloads("a", .postponed) == 1)
        #expect(directory.reloads("a", .failure) == 0)
        directory.fileSystem.recover()
        await store.look(times: 2)
        #expect(slot.model?.version != version)
        #expect(directory.reloads("a", .success) == 1)
    }

    @Test func `A reload that was asked for follows once the files can be looked at, changed or not`() async throws {
        let directory = try ModelDirectory(["a"])
        let store = try directory.store()
        _ = await store.loadAll()
        let slot = try #require(store["a"])
        await slot.unload()
        directory.fileSystem.fail([.names], code: EIO)
        #expect(await slot.reload() == .postponed(reason: "its files cannot be accessed for the moment"))
        guard case .postponed = slot.absence else {
            Issue.record("\(String(describing: slot.absence))")
            return
        }
        directory.fileSystem.recover()
        await store.look(times: 2)
        #expect(slot.model != nil)
        #expect(slot.absence == nil)
    }

    @Test func `What stays unreadable is told as a failure, once, and loaded when it can be read at last`() async throws
    {
        let directory = try ModelDirectory(["a"])
        let store = try directory.store()
        _ = await store.loadAll()
        let slot = try #require(store["a"])
        let version = try #require(slot.model?.version)
        try directory.replace("a", seed: 7)
        directory.fileSystem.fail([.resolve], code: EACCES)
        await store.look(times: 300)
        #expect(directory.reloads("a", .failure) == 1)
        #expect(slot.model?.version == version)
        #expect(slot.absence?.reason == "its files cannot be accessed for the moment")
        let tries = try #require(directory.reloads("a", .postponed))
        #expect(tries < 12, "the intervals grow")
        directory.fileSystem.recover()
        await store.look(times: 65)
        #expect(slot.model?.version != version)
        #expect(slot.absence == nil)
        #expect(directory.reloads("a", .failure) == 1)
    }

    @Test func `Files that change while they are read are neither unchanged nor refused: they are read again at rest`()
        async throws
    {
        for seed in [2, 3] as [UInt64] {
            let directory = try ModelDirectory(["a"])
            let store = try directory.store()
            _ = await store.loadAll()
            let slot = try #require(store["a"])
            let version = try #require(slot.model?.version)
            let target = directory.path + "/a/model.safetensors"
            directory.fileSystem.onNextResolve {
                // Once a whole file, once one that is half there.
                let file = TinyModel.checkpoint(classCount: 3, seed: seed)
                try? Data(file.prefix(seed == 2 ? file.count : 5000)).write(to: URL(fileURLWithPath: target))
            }
            #expect(await slot.reload() == .postponed(reason: "its files changed while they were read"))
            #expect(slot.model?.version == version)
            #expect(directory.reloads("a", .unchanged) == 0)
            #expect(directory.reloads("a", .failure) == 0)
            try directory.replace("a", seed: seed)
            await store.look(times: 3)
            #expect(slot.model != nil && slot.model?.version != version)
        }
    }

    @Test func `A folder that cannot be accessed keeps nobody from being served, is told once, and is found later`()
        async throws
    {
        let directory = try ModelDirectory(["a", "b"])
        directory.fileSystem.fail([.names], code: EACCES, pathSuffix: "/b")
        let store = try directory.store()
        #expect(await store.loadAll() == 1)
        await store.look(times: 4)
        #expect(store.slots.map(\.name) == ["a"])
        #expect(directory.log("a folder cannot be accessed").count == 1)
        directory.fileSystem.recover()
        await store.look(times: 3)
        #expect(store["b"]?.model != nil)
    }

    @Test func `A default that cannot be accessed is not unknown: it is served once it can be`() async throws {
        let directory = try ModelDirectory(["a", "b"])
        directory.fileSystem.fail([.names], code: EIO, pathSuffix: "/b")
        let store = try directory.store(defaultName: "b")
        #expect(await store.loadAll() == 1)
        #expect(store.defaultSlot?.model == nil)
        directory.fileSystem.recover()
        await store.look(times: 3)
        #expect(store.defaultSlot?.model != nil)
    }

    @Test func `A directory that cannot be accessed is told apart from one that is empty or not there`() throws {
        let directory = try ModelDirectory(["a"])
        directory.fileSystem.fail([.names], code: EMFILE)
        #expect(
            throws: ModelStoreError.inaccessible(
                FileSystemError(path: directory.path, reason: "Too many open files"))
        ) { try ModelStore.folders(in: directory.path, fileSystem: directory.fileSystem) }
        directory.fileSystem.fail([.names], code: EIO, pathSuffix: "/a")
        #expect(
            throws: ModelStoreError.inaccessible(
                FileSystemError(path: directory.path + "/a", reason: "Input/output error"))
        ) { try ModelStore.folders(in: directory.path, fileSystem: directory.fileSystem) }
        #expect(throws: ModelStoreError.self) { try directory.store() }
        directory.fileSystem.recover()
        #expect(try ModelStore.folders(in: directory.path, fileSystem: directory.fileSystem).count == 1)
        try directory.remove("a")
        #expect(throws: ModelStoreError.emptyDirectory(path: directory.path)) {
            try ModelStore.folders(in: directory.path)
        }
        #expect(throws: ModelStoreError.noDirectory(path: "/nowhere")) { try ModelStore.folders(in: "/nowhere") }
    }

    @Test func `A load of a folder that has just come says so where the directory cannot be accessed`() async throws {
        let directory = try ModelDirectory(["a"])
        let store = try directory.store()
        try directory.add("b", seed: 4)
        directory.fileSystem.fail([.names], code: EIO, pathSuffix: "/b")
        await #expect(throws: FileSystemError.self) { try await store.look(for: "b") }
        directory.fileSystem.recover()
        try await store.look(for: "b")
        #expect(store["b"] != nil)
    }
}
