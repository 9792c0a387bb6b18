import Foundation
import Inference
import TestSupport
import Testing
import Threads

@testable import Server

@Suite(.timeLimit(.minutes(2)))
struct LateRequestTests {
    private func need(_ directory: ModelDirectory) throws -> Int {
        try ModelLoader(workers: WorkerPool(threadCount: 1)).load(ModelFiles(folder: directory.path + "/a"))
            .memoryByteCount(maxBatchSize: 32)
    }

    @Test
    func `Memory counts as held until the last request lets the version go, through a swap and through an unload`()
        async throws
    {
        let directory = try ModelDirectory(["a"])
        let need = try need(directory)
        // Room for two, but not for three; other weights may want another algorithm, and a little more or less.
        let store = try directory.store(limits: ModelLimits(memoryLimit: 5 * need / 2))
        _ = await store.loadAll()
        let slot = try #require(store["a"])
        var late = slot.model
        let first = try #require(late?.version)
        try directory.replace("a", seed: 5)
        await store.look(times: 2)
        #expect(slot.model?.version != first)
        // Two versions are in memory: the third has no room as long as a request holds the first.
        try directory.replace("a", seed: 6)
        let second = try #require(slot.model?.version)
        await store.look(times: 3)
        #expect(slot.model?.version == second)
        guard case .noMemory(let error) = slot.absence else {
            Issue.record("\(String(describing: slot.absence))")
            return
        }
        #expect(error.held > 3 * need / 2, "both versions count")
        #expect(withExtendedLifetime(late) { $0?.version } == first)
        late = nil
        await store.look(times: 2)
        let third = slot.model?.version
        #expect(third != nil && third != second)
        #expect(slot.absence == nil)

        late = slot.model
        await slot.unload()
        try directory.add("b", seed: 8)
        try directory.add("c", seed: 9)
        await store.look(times: 3)
        #expect(["b", "c"].count { store[$0]?.model != nil } == 1, "the unloaded version is still in use")
        _ = withExtendedLifetime(late) { $0?.version }
        late = nil
        await store.look(times: 2)
        #expect(["b", "c"].count { store[$0]?.model != nil } == 2)
    }

    @Test func `A removed model's series end with its last request, which still counts, and do not come back`()
        async throws
    {
        let directory = try ModelDirectory(["a", "b"])
        let metrics = directory.metrics
        let store = try directory.store()
        _ = await store.loadAll()
        let gone = try #require(store["b"])
        var late = gone.model
        try directory.remove("b")
        await store.look(times: 3)
        await gone.settle()
        #expect(store["b"] == nil)
        #expect(!metrics.registry.exposition().contains(#"alexnet_model_info{model="b""#))
        metrics.inference(model: "b", .seconds(1))
        metrics.prediction(model: "b", class: "class 1")
        metrics.queueDepth(0, of: "b", 0)
        if let late { metrics.statistics.ran(by: late, imageCount: 1, .seconds(1)) }
        #expect(metrics.registry.exposition().contains(#"alexnet_inference_seconds_count{model="b"} 1"#))
        late = nil
        #expect(!metrics.registry.exposition().contains(#"model="b""#))
        #expect(metrics.registry.exposition().contains(#"alexnet_model_info{model="a""#))
    }

    @Test
    func `An unloaded model's gauges end with its last request; what was counted stays, as it may be loaded again`()
        async throws
    {
        let directory = try ModelDirectory(["a"])
        let metrics = directory.metrics
        let store = try directory.store()
        _ = await store.loadAll()
        let slot = try #require(store["a"])
        var late = slot.model
        metrics.prediction(model: "a", class: "class 1")
        await slot.unload()
        metrics.queueDepth(0, of: "a", 0)
        _ = withExtendedLifetime(late) { $0?.version }
        late = nil
        let exposition = metrics.registry.exposition()
        for gauge in ["info", "loaded_timestamp_seconds", "memory_bytes", "queue_depth"] {
            #expect(!exposition.contains("alexnet_model_\(gauge){"), "\(gauge)")
        }
        #expect(exposition.contains(#"alexnet_predictions_total{model="a",class="class 1"} 1"#))
        _ = await slot.reload()
        #expect(metrics.registry.exposition().contains(#"alexnet_model_memory_bytes{model="a"}"#))
    }
}
