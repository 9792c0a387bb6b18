import Foundation
import Inference
import Logging
import ModelTestSupport
import TestSupport
import Testing
import Threads

@testable import Server

@Suite(.timeLimit(.minutes(2)))
struct ModelStoreTests {
    @Test func `A folder that comes is served, one that goes is not, and nobody else notices`() async throws {
        let directory = try ModelDirectory(["a", "b"])
        let store = try directory.store()
        #expect(await store.loadAll() == 2)
        let version = try #require(store["a"]?.model?.version)
        try directory.add("c", seed: 7)
        await store.look(times: 3)
        #expect(store.slots.map(\.name) == ["a", "b", "c"])
        #expect(store["c"]?.model != nil)
        let gone = try #require(store["b"])
        try directory.remove("b")
        store.look()
        #expect(store["b"]?.model != nil, "a folder that is away for one look is being replaced")
        await store.look(times: 3)
        await gone.settle()
        #expect(store.slots.map(\.name) == ["a", "c"])
        #expect(gone.model == nil)
        #expect(gone.absence == .removed)
        #expect(store["a"]?.model?.version == version)
        let exposition = directory.metrics.registry.exposition()
        #expect(!exposition.contains(#"model="b""#), "its series ended with it")
        #expect(exposition.contains(#"alexnet_model_info{model="c""#))
        // It may come back.
        try directory.add("b", seed: 9)
        await store.look(times: 3)
        #expect(store["b"]?.model != nil)
    }

    @Test func `Without a default in the settings, the first by name that loads is it until it goes`() async throws {
        let directory = try ModelDirectory(["b", "c", "d"])
        try directory.write("not a checkpoint", to: "b/model.safetensors")
        let store = try directory.store()
        #expect(await store.loadAll() == 2)
        #expect(store.defaultSlot?.name == "c")
        try directory.add("a", seed: 5)
        await store.look(times: 3)
        #expect(store["a"]?.model != nil)
        #expect(store.defaultSlot?.name == "c")
        try directory.remove("c")
        await store.look(times: 3)
        #expect(store.defaultSlot?.name == "a")
    }

    @Test func `A folder that came back while its last model was being let go keeps its metrics`() async throws {
        let directory = try ModelDirectory(["a", "b"])
        let store = try directory.store()
        _ = await store.loadAll()
        let old = try #require(store["b"])
        try directory.remove("b")
        store.look()
        store.look()
        #expect(store["b"] == nil)
        try directory.add("b", seed: 9)
        try await store.look(for: "b")
        await store.look(times: 3)
        await old.settle()
        #expect(old.absence == .removed)
        #expect(store["b"]?.model != nil)
        #expect(directory.metrics.registry.exposition().contains(#"alexnet_model_reloads_total{model="b""#))
        for name in ["../b", ".hidden", "nothing"] {
            try await store.look(for: name)
            #expect(store[name] == nil)
        }
    }

    @Test func `The default that the settings name stays it, there or not`() async throws {
        let directory = try ModelDirectory(["a", "b"])
        #expect(throws: ModelStoreError.unknownDefault(name: "x", known: ["a", "b"])) {
            _ = try directory.store(defaultName: "x")
        }
        let store = try directory.store(defaultName: "b")
        #expect(await store.loadAll() == 2)
        try directory.remove("b")
        await store.look(times: 3)
        #expect(store.defaultSlot == nil)
        #expect(store.defaultName == "b")
        try directory.add("b", seed: 3)
        await store.look(times: 3)
        #expect(store.defaultSlot?.model != nil)
    }

    @Test func `A broken model is not served, says why, and is served once it is mended`() async throws {
        let directory = try ModelDirectory(["a", "b"])
        let whole = try Data(contentsOf: URL(fileURLWithPath: directory.path + "/b/model.safetensors"))
        try directory.write("not a checkpoint", to: "b/model.safetensors")
        let store = try directory.store()
        #expect(await store.loadAll() == 1)
        guard case .refused(let refusal) = try #require(store["b"]?.absence) else {
            Issue.record("b was not refused")
            return
        }
        #expect(refusal.detail.contains("model.safetensors"))
        #expect(refusal.reason == "its checkpoint is not in a form that is read here")
        try whole.write(to: URL(fileURLWithPath: directory.path + "/b/model.safetensors"), options: .atomic)
        await store.look(times: 3)
        #expect(store["b"]?.model != nil)
        #expect(store["b"]?.absence == nil)
    }

    @Test func `What is unloaded stays so, whatever happens to its files, until it is loaded again`() async throws {
        let directory = try ModelDirectory(["a"])
        let store = try directory.store()
        _ = await store.loadAll()
        let slot = try #require(store["a"])
        await slot.unload()
        #expect(slot.model == nil)
        #expect(slot.absence == .unloaded)
        try directory.remove("a/model.safetensors")
        try directory.replace("a", seed: 8)
        await store.look(times: 3)
        slot.requestReload()
        await slot.settle()
        #expect(slot.model == nil)
        #expect(await slot.reload() == .success(version: try #require(slot.model?.version)))
        #expect(slot.absence == nil)
    }

    @Test func `A model that does not fit beside the others is refused with the setting's name; they stay`()
        async throws
    {
        let directory = try ModelDirectory(["a", "b"])
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
            let store = try directory.store(limits: ModelLimits(memoryLimit: limit))
            #expect(await store.loadAll() == count)
            if count == 1 {
                guard case .noMemory(let error) = try #require(store["b"]?.absence) else {
                    Issue.record("b was not refused for want of memory")
                    return
                }
                #expect(error.limit == limit)
                #expect(store["a"]?.model != nil)
                await store.look(times: 3)
                #expect(store["b"]?.model == nil, "there is no more room than before")
                await store["a"]?.unload()
                await store.look(times: 3)
                #expect(store["b"]?.model != nil, "there is room now")
            }
        }
    }

    @Test func `A directory that is away takes no model with it`() async throws {
        let directory = try ModelDirectory(["a"])
        let store = try directory.store()
        _ = await store.loadAll()
        try FileManager.default.moveItem(atPath: directory.path, toPath: directory.path + "-away")
        await store.look(times: 3)
        #expect(store["a"]?.model != nil)
        // An unmounted volume leaves an empty directory behind.
        try FileManager.default.createDirectory(atPath: directory.path, withIntermediateDirectories: true)
        await store.look(times: 3)
        #expect(store["a"]?.model != nil)
        try FileManager.default.removeItem(atPath: directory.path)
        try FileManager.default.moveItem(atPath: directory.path + "-away", toPath: directory.path)
    }
}

@Suite(.timeLimit(.minutes(2)))
struct DefaultModelTests {
    @Test func `Chosen among several it is told with the setting that pins it; alone or pinned it is not`() async throws
    {
        let directory = try ModelDirectory(["aaa", "fashion-mnist"])
        let pinned = try directory.store(defaultName: "fashion-mnist")
        _ = await pinned.loadAll()
        pinned.logDefault()
        #expect(directory.log("models.default").isEmpty)
        let store = try directory.store()
        _ = await store.loadAll()
        store.logDefault()
        let lines = directory.log("models.default")
        #expect(lines.count == 1)
        #expect(lines.first?.contains("default=aaa") == true)
        #expect(lines.first?.contains("aaa, fashion-mnist") == true)

        let alone = try ModelDirectory(["fashion-mnist"])
        let single = try alone.store()
        _ = await single.loadAll()
        single.logDefault()
        #expect(alone.log("models.default").isEmpty)
    }

    @Test func `When the default goes, the log says which model has its place, once`() async throws {
        let directory = try ModelDirectory(["a", "b", "c"])
        let store = try directory.store()
        _ = await store.loadAll()
        #expect(store.defaultSlot?.name == "a")
        try directory.remove("a")
        await store.look(times: 3)
        for _ in 0..<3 { #expect(store.defaultSlot?.name == "b") }
        let lines = directory.log("another model is the default from now on")
        #expect(lines.count == 1)
        #expect(lines.first?.contains("before=a") == true && lines.first?.contains("default=b") == true)
    }
}
