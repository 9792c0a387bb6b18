import Dispatch
@testable import Inference
import ModelTestSupport
import TestSupport
import Testing
import Threads

@testable import Server

@Suite(.timeLimit(.minutes(2)))
struct BatcherTests {
    /// A batcher whose threads wait until they are let go.
    private final class Bench: Sendable {
        let batcher: Batcher
        let metrics = ServingMetrics(routes: [])
        private let workers: WorkerPool
        private let gate = DispatchSemaphore(value: 0)

        init(threadCount: Int = 1, adjust: (inout Settings) -> Void = { _ in }) {
            var settings = Settings()
            workers = WorkerPool(threadCount: threadCount)
            adjust(&settings)
            batcher = Batcher(settings: settings, workers: workers, metrics: metrics)
            let begun = DispatchSemaphore(value: 0)
            for _ in 0..<threadCount {
                workers.submit(.high) { [gate] in
                    begun.signal()
                    gate.wait()
                }
            }
            for _ in 0..<threadCount { begun.wait() }
        }

        func letGo() { for _ in 0..<workers.threadCount { gate.signal() } }

        /// Holds the thread up again, behind so many images that it has to decode.
        func holdUp(behind imageCount: Int) async throws -> DispatchSemaphore {
            try await eventually("\(imageCount) decode jobs wait") { workers.waitingCount >= imageCount }
            let end = DispatchSemaphore(value: 0)
            workers.submit(.normal) { end.wait() }
            return end
        }

        /// Waits until so many images have places.
        func waitForDepth(_ depth: Int) async throws {
            let line = "alexnet_queue_depth \(depth)\n"
            try await eventually(line) { metrics.registry.exposition().contains(line) }
        }

        func predict(
            _ model: Model, _ images: [ImageInput] = [.encoded(TestPicture.png[...])],
            client: String = "", within limit: Duration = .seconds(600)
        ) async -> Result<[Prediction], PredictionError> {
            do throws(PredictionError) {
                return .success(
                    try await batcher.predict(images, by: model, client: client, deadline: .now + limit).predictions)
            } catch {
                return .failure(error)
            }
        }
    }

    private static func model(seed: UInt64, name: String = "tiny") throws -> Model {
        let tiny = try TinyModel(seed: seed)
        return try withExtendedLifetime(tiny) {
            // A model of a checkpoint is named for its file.
            try tiny.writeCheckpoint(name + ".safetensors", seed: seed)
            return try ModelLoader(workers: WorkerPool(threadCount: 1)).load(
                ModelFiles(checkpoint: tiny.path(name + ".safetensors"), classes: tiny.path("class_indices.json")))
        }
    }

    private static func logits(_ model: Model) throws -> [Float] {
        model.logits([try ImageDecoder(maxPixels: 1 << 20).input(TestPicture.png, for: model.preprocessing)])[0]
    }

    @Test func `Two versions and two models that wait together are each answered by their own weights`() async throws {
        let models = [
            try Self.model(seed: 1), try Self.model(seed: 2), try Self.model(seed: 3, name: "other"),
        ]
        let bench = Bench { $0.batching.maxQueueDelay = .milliseconds(1) }
        async let answers = [0, 1, 2, 0, 1, 2].map { index in Task { await bench.predict(models[index]) } }
        let tasks = await answers
        try await bench.waitForDepth(6)
        bench.letGo()
        for (task, index) in zip(tasks, [0, 1, 2, 0, 1, 2]) {
            let predictions = try await task.value.get()
            let expected = try Self.logits(models[index])
            let found = try #require(predictions.first).get()
            #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 1e-4 })
        }
        try await bench.waitForDepth(0)
    }

    @Test
    func
        `Many that come while eight threads decode and run two batches at a time all get the answer of their own model`()
        async throws
    {
        let models = [try Self.model(seed: 1), try Self.model(seed: 2, name: "other")]
        let expected = try models.map(Self.logits)
        let bench = Bench(threadCount: 8) {
            $0.batching.maxBatchSize = 4
            $0.batching.maxQueueDelay = .milliseconds(1)
        }
        bench.letGo()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for client in 0..<12 {
                group.addTask {
                    for turn in 0..<40 {
                        let index = (client + turn) % 2
                        let predictions = try await bench.predict(models[index]).get()
                        let found = try #require(predictions.first).get()
                        #expect(zip(found, expected[index]).allSatisfy { abs($0 - $1) < 1e-4 })
                    }
                }
            }
            try await group.waitForAll()
        }
        try await bench.waitForDepth(0)
    }

    @Test func `A batch that is whole, or has nothing to wait for, runs ahead of what waits`() async throws {
        let model = try Self.model(seed: 1)
        for count in 1...3 {
            let bench = Bench { $0.batching.maxBatchSize = 2 }
            let tasks = (0..<count).map { _ in Task { await bench.predict(model) } }
            let end = try await bench.holdUp(behind: count)
            bench.letGo()
            for task in tasks { #expect(try await task.value.get().count == 1) }
            end.signal()
            try await bench.waitForDepth(0)
        }
    }

    @Test func `A model whose places are taken refuses more, another one does not`() async throws {
        let (model, other) = (try Self.model(seed: 1), try Self.model(seed: 1, name: "other"))
        let bench = Bench { $0.batching.queueCapacity = 2 }
        let first = Task {
            await bench.predict(model, [.encoded(TestPicture.png[...]), .encoded(TestPicture.png[...])])
        }
        try await bench.waitForDepth(2)
        #expect(await bench.predict(model) == .failure(.queueFull(reason: "images")))
        let second = Task { await bench.predict(other) }
        try await bench.waitForDepth(3)
        bench.letGo()
        #expect(try await first.value.get().count == 2)
        #expect(try await second.value.get().count == 1)
        try await bench.waitForDepth(0)
    }

    @Test func `Who gives up while others wait loses the places, and the others are answered`() async throws {
        let model = try Self.model(seed: 1)
        let bench = Bench()
        let patient = Task { await bench.predict(model) }
        try await bench.waitForDepth(1)
        let cancelled = Task { await bench.predict(model) }
        try await bench.waitForDepth(2)
        cancelled.cancel()
        #expect(await cancelled.value == .failure(.cancelled))
        #expect(await bench.predict(model, within: .milliseconds(1)) == .failure(.deadlineExceeded))
        #expect(bench.batcher.timers.count == 1)
        try await bench.waitForDepth(1)
        bench.letGo()
        #expect(try await patient.value.get().count == 1)
        try await bench.waitForDepth(0)
        #expect(bench.batcher.timers.count == 0)
    }

    @Test func `A picture that cannot be read has an error in its place, and its neighbours their answers`()
        async throws
    {
        let model = try Self.model(seed: 1)
        let bench = Bench()
        bench.letGo()
        let tensor = try ImageDecoder(maxPixels: 1 << 20).input(TestPicture.png, for: model.preprocessing)
        let predictions = try await bench.predict(
            model, [.encoded(TestPicture.png[...]), .encoded([1, 2, 3]), .tensor(tensor)]
        ).get()
        #expect(predictions.count == 3)
        #expect(throws: ImageFailure.self) { try predictions[1].get() }
        let (decoded, given) = (try predictions[0].get(), try predictions[2].get())
        #expect(zip(decoded, given).allSatisfy { abs($0 - $1) < 1e-4 })
        try await bench.waitForDepth(0)
    }

    private static func large(_ side: Int) throws -> ImageInput {
        let pixels = (0..<side * side).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) }
        return .encoded(
            try PNGEncoder.encode(PixelImage(width: side, height: side, channelCount: 1, pixels: pixels))[...])
    }

    @Test(arguments: [8, 7])
    func `A request's pixels are counted before any is decoded, up to the limit and not one more`(_ limit: Int)
        async throws
    {
        let model = try Self.model(seed: 1)
        let bench = Bench {
            $0.images.maxPixels = 4
            $0.images.maxRequestPixels = limit
        }
        bench.letGo()
        let answer = await bench.predict(model, [try Self.large(2), try Self.large(2)])
        if limit == 8 {
            #expect(try answer.get().count == 2)
        } else {
            #expect(answer == .failure(.tooManyPixels(found: 8, limit: 7)))
        }
    }

    @Test func `A decode that nobody waits for any more ends, and a small image goes ahead of a large one`()
        async throws
    {
        let model = try Self.model(seed: 1)
        let bench = Bench()
        let large = try Self.large(4000)
        let given = Task { await bench.predict(model, [large]) }
        try await bench.waitForDepth(1)
        let wanted = Task { await bench.predict(model, [large]) }
        try await bench.waitForDepth(2)
        let small = Task { await bench.predict(model) }
        try await bench.waitForDepth(3)
        bench.letGo()
        #expect(try await small.value.get().count == 1)
        given.cancel()
        let ended = await given.value
        #expect(ended == .failure(.cancelled) || (try? ended.get())?.count == 1)
        #expect(try await wanted.value.get().count == 1)
        try await bench.waitForDepth(0)
    }

    @Test func `Where the queue is full, the client that holds most of it makes room for another one`() async throws {
        let model = try Self.model(seed: 1)
        let bench = Bench { $0.batching.queueCapacity = 3 }
        let flood = (0..<3).map { _ in Task { await bench.predict(model, client: "flood") } }
        try await bench.waitForDepth(3)
        #expect(await bench.predict(model, client: "flood") == .failure(.queueFull(reason: "images")))
        let lone = Task { await bench.predict(model, client: "lone") }
        // Nothing can be answered before the threads are let go, but one of the three is told at once that it has to go.
        let answers = await withTaskGroup(of: Result<[Prediction], PredictionError>.self) { group in
            for task in flood { group.addTask { await task.value } }
            var answers = [await group.next()]
            bench.letGo()
            for await answer in group { answers.append(answer) }
            return answers
        }
        #expect(answers[0] == .failure(.queueFull(reason: "images")))
        for answer in answers[1...] { #expect(try answer?.get().count == 1) }
        #expect(try await lone.value.get().count == 1)
        try await bench.waitForDepth(0)
    }

    @Test func `A tensor that overflows in the network is its client's error, and says how large its values are`()
        async throws
    {
        let model = try Self.model(seed: 1)
        let bench = Bench()
        bench.letGo()
        let count = model.network.inputShape.elementCount
        let tensor = Tensor(model.preprocessing.tensorShape, scalars: [Float](repeating: 3e38, count: count))
        let predictions = try await bench.predict(model, [.tensor(tensor), .encoded(TestPicture.png[...])]).get()
        #expect(predictions[0] == .failure(.overflow(largest: 3e38)))
        #expect(try predictions[1].get().allSatisfy(\.isFinite))
        #expect(ImageFailure.overflow(largest: 3e38).status == .badRequest)
    }
}
