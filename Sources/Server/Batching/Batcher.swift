import Inference
import Synchronization
import Threads

/// Leads pictures through decoding, the queue and the network.
///
/// Each picture is decoded and preprocessed on arrival; what is ready when the network is free goes there as one batch. A
/// batch that is not full waits for those that are about to be ready (``Gathering``); so a lone picture runs at once, and under
/// load batches grow by themselves. Models, clients and requests take turns by ``FairQueue``. Everything runs on the threads of
/// one ``WorkerPool``; a long decode gives way to what others wait for.
public final class Batcher: Sendable {
    /// One picture on its way.
    private struct Image: Sendable {
        let request: PendingRequest
        /// Its place in the request.
        let index: Int
        let input: Tensor
        /// Did the client send the network's input itself?
        let isClientsTensor: Bool
    }

    /// A picture that waits for a thread to decode it.
    private struct Decoding: Sendable {
        let request: PendingRequest
        let index: Int
        let id: Int
    }

    /// A request that has places, and their numbers.
    private struct Admitted: Sendable {
        let request: PendingRequest
        let ids: [Int]
    }

    private typealias Queue = FairQueue<Image, Decoding>

    private struct State {
        var queue: Queue
        /// Those that are not answered yet, by their numbers.
        var requests: [Int: Admitted] = [:]
        /// Set while somebody is about to take a batch.
        var willCollect = false
        /// When a timer will look at the queue again; nil while none is set.
        var nextLook: ContinuousClock.Instant?
        /// The batches in the network.
        var runningCount = 0
    }

    private let state: Mutex<State>
    /// How many batches may be in the network at once: one for four threads. Those that do not run one decode for the next,
    /// which is the larger for it, and help with the one that runs when there is nothing to decode.
    private let batchLimit: Int
    private let workers: WorkerPool
    private let decoder: ImageDecoder
    private let metrics: ServingMetrics
    private let limits: Settings.Batching
    /// The most pixels of one request.
    private let maxRequestPixels: Int
    let deadlines = Deadlines()
    private let clock = ContinuousClock()

    /// A batcher without work; its limits are the settings'.
    public init(settings: Settings, workers: WorkerPool, metrics: ServingMetrics) {
        let capacity = Queue.Capacity(
            byteCount: settings.batching.queueBytes, pixelCount: settings.batching.queuePixels,
            heldByteCount: settings.images.decodeBytes, indivisibleCount: max(1, workers.threadCount / 2))
        state = Mutex(State(queue: FairQueue(capacity: capacity)))
        limits = settings.batching
        // One picture is always taken that is small enough by itself.
        maxRequestPixels = max(settings.images.maxRequestPixels, settings.images.maxPixels)
        self.workers = workers
        batchLimit = max(1, workers.threadCount / 4)
        self.metrics = metrics
        decoder = ImageDecoder(
            maxPixels: settings.images.maxPixels, maxHeldBytes: settings.images.decodeBytes,
            appliesOrientation: settings.images.applyOrientation, mode: settings.images.decode,
            keptInputs: settings.batching.maxBatchSize)
    }

    /// Answers all pictures of a request by one version of a model.
    ///
    /// - Parameter client: who asks, see ``ClientKey``: clients share what there is.
    /// - Throws: ``PredictionError``; its images have lost their places by then.
    public func predict(
        _ images: [PictureInput], by model: Model, client: String = "", deadline: ContinuousClock.Instant
    ) async throws(PredictionError) -> PredictionReport {
        let inputByteCount = model.network.inputShape.elementCount * MemoryLayout<Float>.stride
        let costs = images.map {
            ImageCost(of: $0, maxPixels: decoder.maxPixels, inputByteCount: inputByteCount)
        }
        let pixelCount = costs.reduce(0) { $0 + $1.pixelCount }
        guard pixelCount <= maxRequestPixels else {
            throw .tooManyPixels(found: pixelCount, limit: maxRequestPixels)
        }
        let request = PendingRequest(images: images, model: model)
        let ids = try admit(costs, of: request, from: client)
        defer { state.withLock { $0.requests[ids[0]] = nil } }
        deadlines.add(ids[0], at: deadline) { [weak self, weak request] in
            if let self, let request { abandon(request, ids, because: .deadlineExceeded) }
        }
        defer { deadlines.remove(ids[0], at: deadline) }
        // Each of these takes the picture whose turn it is then, which may be another one.
        for _ in ids { workers.submit(.normal) { [self] in decode() } }
        let outcome = await withTaskCancellationHandler {
            await request.outcome()
        } onCancel: {
            abandon(request, ids, because: .cancelled)
        }
        return try outcome.get()
    }

    /// Gives a request's images places, where need be those of requests that take more than their share.
    private func admit(
        _ costs: [ImageCost], of request: PendingRequest, from client: String
    ) throws(PredictionError) -> [Int] {
        let name = request.model.name
        let limits = limits(for: request.model)
        let now = clock.now
        let (admission, displaced) = state.withLock { state in
            var displaced: [(admitted: Admitted, shortage: Queue.Shortage)] = []
            var admission = state.queue.admit(costs, of: name, from: client, limits: limits, now: now)
            // There may be too little of one thing after the other.
            for _ in Queue.Shortage.allCases {
                guard case .failure(let shortage) = admission,
                    let origins = state.queue.crowding(costs, of: name, from: client, shortage: shortage)
                else { break }
                for admitted in origins.compactMap({ state.requests.removeValue(forKey: $0.request) }) {
                    displaced.append((admitted, shortage))
                    for id in admitted.ids { state.queue.remove(id, of: admitted.request.model.name) }
                    report(state.queue, of: admitted.request.model.name)
                }
                admission = state.queue.admit(costs, of: name, from: client, limits: limits, now: now)
            }
            if case .success(let ids) = admission {
                for (index, id) in ids.enumerated() {
                    state.queue.append(Decoding(request: request, index: index, id: id), for: id, of: name)
                }
                state.requests[ids[0]] = Admitted(request: request, ids: ids)
                report(state.queue, of: name)
            }
            return (admission, displaced)
        }
        for (admitted, shortage) in displaced { admitted.request.fail(.queueFull(reason: shortage.rawValue)) }
        switch admission {
        case .success(let ids): return ids
        case .failure(let shortage): throw PredictionError.queueFull(reason: shortage.rawValue)
        }
    }

    private func limits(for model: Model) -> BatchQueue<Image>.Limits {
        let limits = limits.applying(model.batching)
        return BatchQueue<Image>.Limits(
            capacity: limits.queueCapacity, maxBatchSize: limits.maxBatchSize, maxDelay: limits.maxQueueDelay)
    }

    private func report(_ queue: Queue, of model: String) {
        metrics.queueDepth(queue.depth, of: model, queue.depth(of: model))
    }

    private func abandon(_ request: PendingRequest, _ ids: [Int], because error: PredictionError) {
        guard request.fail(error) else { return }
        state.withLock { state in
            for id in ids { state.queue.remove(id, of: request.model.name) }
            report(state.queue, of: request.model.name)
        }
        // Others may have waited for their decoding.
        look(now: clock.now)
    }

    /// Decodes the picture whose turn it is.
    private func decode() {
        let start = clock.now
        guard let turn = state.withLock({ $0.queue.nextJob(now: start) }) else { return }
        lookWhileFree(now: run(turn, pace: DecodePace(turn.cost, now: start)))
    }

    /// Decodes a picture that was taken. When it was done.
    private func run(_ turn: Queue.Turn, pace: DecodePace) -> ContinuousClock.Instant {
        if turn.isLast { look(now: pace.start) }
        decode(turn.job, turn.cost, pace)
        let end = clock.now
        let frees = state.withLock { state in
            state.queue.didDecode(turn, in: end - pace.start - pace.givenAway, now: end) && state.queue.hasJobs
        }
        // Those that found no memory, or no thread that might be taken for long, wait for nobody else.
        if frees { for _ in 0..<workers.threadCount { workers.submit(.normal) { [self] in decode() } } }
        return end
    }

    private func decode(_ next: Decoding, _ cost: ImageCost, _ pace: DecodePace) {
        let (request, index, id) = (next.request, next.index, next.id)
        guard let image = request.takeImage(index) else { return }
        do throws(ImageError) {
            var timing = ImageDecoder.Timing()
            let input = try image.tensor(
                for: request.model.preprocessing, decoder: decoder, cost: cost, timing: &timing
            ) { [self] in
                if !request.isOver { giveWay(pace) }
                return request.isOver
            }
            timing.decoding -= pace.givenAway
            // A tensor has neither, pixels are decoded already.
            if timing.decoding > .zero { metrics.decode(timing.decoding) }
            if timing.preprocessing > .zero { metrics.preprocess(timing.preprocessing) }
            request.didDecode(in: timing.decoding + timing.preprocessing)
            let isClientsTensor = if case .tensor = image { true } else { false }
            makeReady(
                Image(request: request, index: index, input: input, isClientsTensor: isClientsTensor), id: id,
                now: clock.now)
        } catch {
            state.withLock { state in
                state.queue.remove(id, of: request.model.name)
                report(state.queue, of: request.model.name)
            }
            request.resolve(index, with: .failure(.unreadable(error)))
        }
    }

    /// In the middle of a long decode: does for a while what others wait for, batches and far smaller pictures.
    private func giveWay(_ pace: DecodePace) {
        let start = clock.now
        guard pace.isTime(now: start) else { return }
        var now = start
        repeat {
            if isDue(now: now) {
                collect()
            } else if !workers.runWaiting(.high) {
                let next = state.withLock { $0.queue.nextJob(now: now, most: pace.mostNanoseconds(now: now)) }
                guard let next else { break }
                _ = run(next, pace: DecodePace(next.cost, now: now, depth: pace.depth + 1))
            }
            now = clock.now
        } while now - start < DecodePace.pause
        pace.goOn(from: start, now: clock.now)
    }

    private func makeReady(_ image: Image, id: Int, now: ContinuousClock.Instant) {
        state.withLock { state in
            let model = image.request.model
            _ = state.queue.makeReady(id, image, of: model.name, group: ObjectIdentifier(model), now: now)
        }
    }

    /// Sees to it that a batch runs as soon as one should.
    private func look(now: ContinuousClock.Instant) {
        // It has waited long enough: ahead of the decoding that waits.
        if isDue(now: now) { workers.submit(.high) { [self] in collect() } }
    }

    /// The same by a worker that has nothing else to do: it runs the batch itself.
    private func lookWhileFree(now: ContinuousClock.Instant) {
        if isDue(now: now) { collect() }
    }

    /// Whether a batch should run now and nobody is about to take it; who is told so has to ``collect()`` soon. Where one
    /// should run later, it is looked for then.
    private func isDue(now: ContinuousClock.Instant) -> Bool {
        let action: Queue.Action = state.withLock { state in
            let action = state.runningCount < batchLimit ? state.queue.action(now: now) : .rest
            switch action {
            case .run:
                guard !state.willCollect else { return .rest }
                state.willCollect = true
            case .wait(let until):
                if let next = state.nextLook, next <= until { return .rest }
                state.nextLook = until
            case .rest: break
            }
            return action
        }
        if case .wait(let until) = action {
            workers.submit(.high, at: until) { [weak self] in self?.lookAgain(at: until) }
        }
        return if case .run = action { true } else { false }
    }

    private func lookAgain(at time: ContinuousClock.Instant) {
        state.withLock { if $0.nextLook == time { $0.nextLook = nil } }
        lookWhileFree(now: max(time, clock.now))
    }

    /// Takes what is ready and runs it.
    private func collect() {
        let now = clock.now
        let batch: [(element: Image, waited: Duration)] = state.withLock { state in
            state.willCollect = false
            guard state.runningCount < batchLimit, case .run(let model, let ids) = state.queue.action(now: now) else {
                return []
            }
            state.runningCount += 1
            defer { report(state.queue, of: model) }
            return state.queue.take(ids, of: model, now: now)
        }
        look(now: now)
        if !batch.isEmpty { run(batch) }
    }

    /// Runs one batch, and sees to it that what became ready meanwhile follows.
    private func run(_ batch: [(element: Image, waited: Duration)]) {
        let model = batch[0].element.request.model
        metrics.batchSize(batch.count)
        let start = clock.now
        let logits = model.logits(batch.map(\.element.input))
        let end = clock.now
        // Before anybody is answered: who asks again at once comes after this batch.
        state.withLock { $0.queue.didRun(of: model.name, for: end - start, imageCount: batch.count, now: end) }
        metrics.inference(model: model.name, end - start)
        metrics.statistics.ran(by: model, pictureCount: batch.count, end - start)
        for ((image, waited), outputs) in zip(batch, logits) {
            metrics.queueWait(waited)
            image.request.didRun(batchSize: batch.count, queueWait: waited, inference: end - start)
            let isFinite = outputs.allSatisfy(\.isFinite)
            image.request.resolve(image.index, with: isFinite ? .success(outputs) : .failure(Self.failure(of: image)))
        }
        state.withLock { $0.runningCount -= 1 }
        look(now: clock.now)
    }
    /// Why the network's outputs are not finite: pixels are as large as pixels are, but a client can send any number.
    private static func failure(of image: Image) -> PictureFailure {
        guard image.isClientsTensor else { return .notFinite }
        return .overflow(largest: image.input.scalars.reduce(0) { max($0, abs($1)) })
    }
}
