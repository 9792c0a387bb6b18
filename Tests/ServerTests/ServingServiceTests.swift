import Dispatch
import Foundation
import Inference
import Logging
import ModelTestSupport
import ServiceLifecycle
import ServiceLifecycleTestKit
import Synchronization
import TestSupport
import Testing
import Threads

@testable import Server

@Suite(.timeLimit(.minutes(2)))
struct ServingServiceTests {
    private static func service(
        _ tiny: TinyModel, announce: @escaping @Sendable (String) -> Void, adjust: (inout Settings) -> Void = { _ in }
    ) throws -> ServingService {
        var settings = Settings()
        settings.models.tuningLimit = .zero
        settings.server.port = 0
        settings.models.reloadInterval = .milliseconds(10)
        settings.threads.total = 2
        settings.batching.requestDeadline = .seconds(600)
        adjust(&settings)
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        return try ServingService(
            settings: settings, files: [ModelFiles(folder: tiny.folder.path)], logger: logger, announce: announce)
    }

    /// Runs a server, hands its port to `body`, and drains it.
    private static func withServer(
        _ tiny: TinyModel, adjust: (inout Settings) -> Void = { _ in },
        body: @escaping @Sendable (Int, @Sendable () -> Void) async throws -> Void
    ) async throws {
        let (urls, announcement) = AsyncStream.makeStream(of: String.self)
        let service = try service(tiny, announce: { announcement.yield($0) }, adjust: adjust)
        try await testGracefulShutdown { trigger in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await service.run() }
                var iterator = urls.makeAsyncIterator()
                let url = try #require(await iterator.next())
                let port = try #require(URL(string: url)?.port)
                try await body(port) { trigger.triggerGracefulShutdown() }
                trigger.triggerGracefulShutdown()
                try await group.waitForAll()
            }
        }
    }

    private static func predict(_ port: Int) async throws -> TestClient.Answer {
        try await TestClient(port: port).exchange("POST", "/predict", body: TestPicture.png)
    }

    @Test func `It answers once it says that it is ready, and refuses connections once it has drained`() async throws {
        let port = Mutex(0)
        try await Self.withServer(try TinyModel()) { livePort, _ in
            port.withLock { $0 = livePort }
            let readiness = try await TestClient(port: livePort).exchange("GET", "/readyz")
            #expect(readiness.status == 200)
            let answer = try await Self.predict(livePort)
            #expect(answer.status == 200)
        }
        let closed = port.withLock { $0 }
        await #expect(throws: TestClient.Disconnected.self) {
            try await TestClient(port: closed).exchange("GET", "/healthz")
        }
    }

    @Test func `A new checkpoint takes over by itself; bad ones are refused once each and the good one stays`()
        async throws
    {
        let tiny = try TinyModel()
        try await Self.withServer(tiny) { port, _ in
            let first = try await Self.predict(port).json()["version"] as? String
            try tiny.writeCheckpoint(seed: 2)
            try await eventually("the new version answers") {
                try await Self.predict(port).json()["version"] as? String != first
            }
            let second = try await Self.predict(port).json()["version"] as? String
            let bad: [@Sendable () throws -> Void] = [
                { try tiny.writeCheckpoint(replacing: .nan) },
                { try tiny.writeCheckpoint(classCount: 4) },
                {
                    let whole = TinyModel.checkpoint(classCount: 3, seed: 3)
                    try Data(whole.dropLast(100)).write(to: tiny.folder.appendingPathComponent("model.safetensors"))
                },
            ]
            for (index, replace) in bad.enumerated() {
                try replace()
                let line = "alexnet_model_reloads_total{model=\"tiny\",outcome=\"failure\"} \(index + 1)\n"
                let client = TestClient(port: port)
                try await eventually(line) { try await client.exchange("GET", "/metrics").body.contains(line) }
                #expect(try await client.exchange("GET", "/readyz").status == 200)
                #expect(try await Self.predict(port).json()["version"] as? String == second)
            }
            try tiny.writeCheckpoint(seed: 1)
            try await eventually("the first version answers again") {
                try await Self.predict(port).json()["version"] as? String == first
            }
        }
    }

    @Test func `A request that came before the shutdown is answered, and the connection then closes`() async throws {
        try await Self.withServer(
            try TinyModel(),
            adjust: {
                // The first image waits for company, so that it is still unanswered when the shutdown begins.
                $0.batching.maxQueueDelay = .seconds(6)
                $0.batching.requestDeadline = .seconds(60)
            }
        ) { port, shutDown in
            async let answer = Self.predict(port)
            let observer = TestClient(port: port)
            try await eventually("the image waits") {
                try await observer.exchange("GET", "/metrics").body.contains("alexnet_queue_depth 1\n")
            }
            shutDown()
            let result = try await answer
            #expect(result.status == 200)
            #expect(result.fields["connection"] == "close")
        }
    }

    @Test func `While it leaves, readiness is gone but work is still taken`() async throws {
        try await Self.withServer(try TinyModel(), adjust: { $0.server.drainDelay = .seconds(8) }) { port, shutDown in
            let client = TestClient(port: port)
            #expect(try await client.exchange("GET", "/readyz").status == 200)
            shutDown()
            try await eventually("readiness is gone") {
                try await client.exchange("GET", "/readyz").status == 503
            }
            #expect(try await client.exchange("POST", "/predict", body: TestPicture.png).status == 200)
        }
    }

    @Test func `A load that never ends does not hold up the shutdown`() async throws {
        let tiny = try TinyModel()
        let service = try Self.service(tiny, announce: { _ in Issue.record("nothing is loaded") })
        let mayGoOn = DispatchSemaphore(value: 0)
        let isStuck = DispatchSemaphore(value: 0)
        // The load waits behind this, as it would for a disk that does not answer.
        service.store.slots[0].enqueue {
            isStuck.signal()
            mayGoOn.wait()
        }
        await DispatchQueue.global().perform { isStuck.wait() }
        try await testGracefulShutdown { trigger in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await service.run() }
                trigger.triggerGracefulShutdown()
                try await group.waitForAll()
            }
        }
        mayGoOn.signal()
    }

    @Test func `Without a model that loads there is no server, and the error says where to look`() async throws {
        let tiny = try TinyModel()
        try tiny.write("model.safetensors", "nonsense")
        let service = try Self.service(tiny, announce: { _ in })
        await #expect(throws: ServingError.noModelLoaded(names: ["tiny"])) { try await service.run() }
    }

    @Test func `Several folders are several models, each under its name; the first or the named one is the default`()
        async throws
    {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent("models-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: root) }
        let tiny = try TinyModel()
        for name in ["beta", "alpha"] {
            try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
            try FileManager.default.copyItem(at: tiny.folder, to: root.appendingPathComponent(name))
        }
        try FileManager.default.createDirectory(
            at: root.appendingPathComponent("notes"), withIntermediateDirectories: true)
        let folders = try ModelStore.folders(in: root.path)
        #expect(folders.map(\.name) == ["alpha", "beta"])
        let loader = ModelLoader(workers: WorkerPool(threadCount: 1))
        func store(_ name: String?) throws -> ModelStore {
            try ModelStore(
                .files(folders), defaultName: name, reader: loader, metrics: ServingMetrics(routes: []),
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        }
        #expect(try store(nil).defaultSlot?.name == "alpha")
        #expect(try store("beta").defaultSlot?.name == "beta")
        #expect(throws: ModelStoreError.unknownDefault(name: "gamma", known: ["alpha", "beta"])) { try store("gamma") }
        let several = try store(nil)
        let loadedCount = await several.loadAll()
        #expect(loadedCount == 2)
        #expect(throws: ModelStoreError.emptyDirectory(path: tiny.folder.path)) {
            try ModelStore.folders(in: tiny.folder.path)
        }
        #expect(throws: ModelStoreError.noDirectory(path: "/nowhere")) { try ModelStore.folders(in: "/nowhere") }
    }
}
