import Foundation
import Inference
import Logging
import ModelTestSupport
import TestSupport
import Testing
import Threads

@testable import Server

@Suite("The models of a directory")
struct ModelStoreTests {
    private let metrics = ServingMetrics(routes: [])

    /// A directory with copies of a tiny model under these names.
    private final class Directory {
        let path: String

        init(_ names: [String]) throws {
            path =
                FileManager.default.temporaryDirectory.appendingPathComponent("alexnet-tests-\(UUID().uuidString)").path
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            for (seed, name) in names.enumerated() { try add(name, seed: UInt64(seed + 1)) }
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        func add(_ name: String, seed: UInt64) throws {
            let tiny = try TinyModel(seed: seed)
            try FileManager.default.copyItem(atPath: tiny.folder.path, toPath: path + "/" + name)
        }

        func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: path + "/" + name) }

        func write(_ text: String, to file: String) throws {
            try Data(text.utf8).write(to: URL(fileURLWithPath: path + "/" + file), options: .atomic)
        }
    }

    private func store(
        _ directory: Directory, defaultName: String? = nil, limits: ModelLimits = ModelLimits()
    ) throws -> ModelStore {
        try ModelStore(
            .directory(directory.path), defaultName: defaultName,
            loader: ModelLoader(workers: WorkerPool(threadCount: 1)), limits: limits, metrics: metrics,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    /// Looks as often as a change takes to be believed, and waits until what follows is done.
    private func look(_ store: ModelStore) async {
        for _ in 0..<3 {
            store.look()
            for slot in store.slots { await slot.settle() }
        }
    }

    @Test("A folder that comes is served, one that goes is not, and nobody else notices")
    func comingAndGoing() async throws {
        let directory = try Directory(["a", "b"])
        let store = try self.store(directory)
        #expect(await store.loadAll() == 2)
        let version = try #require(store["a"]?.model?.version)
        try directory.add("c", seed: 7)
        await look(store)
        #expect(store.slots.map(\.name) == ["a", "b", "c"])
        #expect(store["c"]?.model != nil)
        let gone = try #require(store["b"])
        try directory.remove("b")
        store.look()
        #expect(store["b"]?.model != nil, "a folder that is away for one look is being replaced")
        await look(store)
        await gone.settle()
        #expect(store.slots.map(\.name) == ["a", "c"])
        #expect(gone.model == nil)
        #expect(gone.absence == .removed)
        #expect(store["a"]?.model?.version == version)
        let exposition = metrics.registry.exposition()
        #expect(!exposition.contains(#"model="b""#), "its series ended with it")
        #expect(exposition.contains(#"alexnet_model_info{model="c""#))
        // It may come back.
        try directory.add("b", seed: 9)
        await look(store)
        #expect(store["b"]?.model != nil)
    }

    @Test("Without a default in the settings, the first by name that loads is it until it goes")
    func chosenDefault() async throws {
        let directory = try Directory(["b", "c", "d"])
        try directory.write("not a checkpoint", to: "b/model.safetensors")
        let store = try self.store(directory)
        #expect(await store.loadAll() == 2)
        #expect(store.defaultSlot?.name == "c")
        try directory.add("a", seed: 5)
        await look(store)
        #expect(store["a"]?.model != nil)
        #expect(store.defaultSlot?.name == "c")
        try directory.remove("c")
        await look(store)
        #expect(store.defaultSlot?.name == "a")
    }

    @Test("A folder that came back while its last model was being let go keeps its metrics")
    func comingBack() async throws {
        let directory = try Directory(["a", "b"])
        let store = try self.store(directory)
        _ = await store.loadAll()
        let old = try #require(store["b"])
        try directory.remove("b")
        store.look()
        store.look()
        #expect(store["b"] == nil)
        try directory.add("b", seed: 9)
        try await store.look(for: "b")
        await look(store)
        await old.settle()
        #expect(old.absence == .removed)
        #expect(store["b"]?.model != nil)
        #expect(metrics.registry.exposition().contains(#"alexnet_model_reloads_total{model="b""#))
        for name in ["../b", ".hidden", "nothing"] {
            try await store.look(for: name)
            #expect(store[name] == nil)
        }
    }

    @Test("The default that the settings name stays it, there or not")
    func configuredDefault() async throws {
        let directory = try Directory(["a", "b"])
        #expect(throws: ModelStoreError.unknownDefault(name: "x", known: ["a", "b"])) {
            _ = try self.store(directory, defaultName: "x")
        }
        let store = try self.store(directory, defaultName: "b")
        #expect(await store.loadAll() == 2)
        try directory.remove("b")
        await look(store)
        #expect(store.defaultSlot == nil)
        #expect(store.defaultName == "b")
        try directory.add("b", seed: 3)
        await look(store)
        #expect(store.defaultSlot?.model != nil)
    }

    @Test("A broken model is not served, says why, and is served once it is mended")
    func broken() async throws {
        let directory = try Directory(["a", "b"])
        let whole = try Data(contentsOf: URL(fileURLWithPath: directory.path + "/b/model.safetensors"))
        try directory.write("not a checkpoint", to: "b/model.safetensors")
        let store = try self.store(directory)
        #expect(await store.loadAll() == 1)
        guard case .refused(let refusal) = try #require(store["b"]?.absence) else {
            Issue.record("b was not refused")
            return
        }
        #expect(refusal.detail.contains("model.safetensors"))
        #expect(refusal.reason == "its checkpoint is not in a form that is read here")
        try whole.write(to: URL(fileURLWithPath: directory.path + "/b/model.safetensors"), options: .atomic)
        await look(store)
        #expect(store["b"]?.model != nil)
        #expect(store["b"]?.absence == nil)
    }

    @Test("What is unloaded stays so, whatever happens to its files, until it is loaded again")
    func unloading() async throws {
        let directory = try Directory(["a"])
        let store = try self.store(directory)
        _ = await store.loadAll()
        let slot = try #require(store["a"])
        await slot.unload()
        #expect(slot.model == nil)
        #expect(slot.absence == .unloaded)
        try directory.remove("a/model.safetensors")
        try Data(TinyModel.checkpoint(classCount: 3, seed: 8)).write(
            to: URL(fileURLWithPath: directory.path + "/a/model.safetensors"))
        await look(store)
        slot.requestReload()
        await slot.settle()
        #expect(slot.model == nil)
        #expect(await slot.reload() == .success(version: try #require(slot.model?.version)))
        #expect(slot.absence == nil)
    }

    @Test("A model that does not fit beside the others is refused with the setting's name; they stay")
    func memory() async throws {
        let directory = try Directory(["a", "b"])
        let loader = ModelLoader(workers: WorkerPool(threadCount: 1))
        let need = try loader.load(ModelFiles(folder: directory.path + "/a")).memoryByteCount(maxBatchSize: 32)
        // Weights in float32 are a part of it.
        #expect(
            need
                > Int(
                    try #require(
                        try FileManager.default.attributesOfItem(
                            atPath: directory.path + "/a/model.safetensors")[.size] as? Int)))
        for (limit, count) in [(need - 1, 0), (need, 1), (2 * need - 1, 1), (2 * need, 2)] {
            let store = try self.store(directory, limits: ModelLimits(memoryLimit: limit))
            #expect(await store.loadAll() == count)
            if count == 1 {
                guard case .noMemory(let error) = try #require(store["b"]?.absence) else {
                    Issue.record("b was not refused for want of memory")
                    return
                }
                #expect(error.limit == limit)
                #expect(store["a"]?.model != nil)
                await look(store)
                #expect(store["b"]?.model == nil, "there is no more room than before")
                await store["a"]?.unload()
                await look(store)
                #expect(store["b"]?.model != nil, "there is room now")
            }
        }
    }

    @Test("A directory that is away takes no model with it")
    func awayDirectory() async throws {
        let directory = try Directory(["a"])
        let store = try self.store(directory)
        _ = await store.loadAll()
        try FileManager.default.moveItem(atPath: directory.path, toPath: directory.path + "-away")
        await look(store)
        #expect(store["a"]?.model != nil)
        // An unmounted volume leaves an empty directory behind.
        try FileManager.default.createDirectory(atPath: directory.path, withIntermediateDirectories: true)
        await look(store)
        #expect(store["a"]?.model != nil)
        try FileManager.default.removeItem(atPath: directory.path)
        try FileManager.default.moveItem(atPath: directory.path + "-away", toPath: directory.path)
    }
}
