import Inference
import Synchronization

/// Leads pictures through decoding, the queue and the network.
///
/// Each picture is decoded and preprocessed on arrival; what is ready when the network is free goes there as one batch. A
/// batch that is not full waits for those that are about to be ready (``Gathering``); so a lone picture runs at once, and under
/// load batches grow by themselves. Models take turns by ``FairQueue``. Everything runs on the threads of one ``WorkerPool``.
public final class Batcher: Sendable {
    /// One picture on its way.
    private struct Image: Sendable {
        let request: PendingRequest
        /// Its place in the request.
        let index: Int
        let input: Tensor
    }

    /// A picture that waits for a thread to decode it.
    private struct Decoding: Sendable {
        let request: PendingRequest
        let index: Int
        let id: Int
    }

    private struct State {
        var queue: FairQueue<Image, Decoding>
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
    let deadlines = Deadlines()
    private let clock = ContinuousClock()

    /// A batcher without work; its limits are the settings'.
    public init(settings: Settings, workers: WorkerPool, metrics: ServingMetrics) {
        state = Mutex(State(queue: FairQueue(byteCapacity: settings.batching.queueBytes)))
        limits = settings.batching
        self.workers = workers
        batchLimit = max(1, workers.threadCount / 4)
        self.metrics = metrics
        decoder = ImageDecoder(
            maxPixels: settings.images.maxPixels, appliesOrientation: settings.images.applyOrientation,
            mode: settings.images.decode, keptInputs: settings.batching.maxBatchSize)
    }

    /// Answers all pictures of a request by one version of a model.
    ///
    /// - Throws: ``PredictionError``; its images have lost their places by then.
    public func predict(
        _ images: [PictureInput], by model: Model, deadline: ContinuousClock.Instant
    ) async throws(PredictionError) -> PredictionReport {
        let request = PendingRequest(images: images, model: model)
        let ids = try admit(images, of: request)
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

    private func admit(_ images: [PictureInput], of request: PendingRequest) throws(PredictionError) -> [Int] {
        let inputByteCount = request.model.network.inputShape.elementCount * MemoryLayout<Float>.stride
        let byteCounts = images.map { $0.byteCount + inputByteCount }
        let name = request.model.name
        let admission = state.withLock { state in
            let admission = state.queue.admit(byteCounts, of: name, limits: limits(for: request.model), now: clock.now)
            if case .success(let ids) = admission {
                for (index, id) in ids.enumerated() {
                    state.queue.append(Decoding(request: request, index: index, id: id), for: id, of: name)
                }
                report(state.queue, of: name)
            }
            return admission
        }
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

    private func report(_ queue: FairQueue<Image, Decoding>, of model: String) {
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
        guard let (model, next, isLast) = state.withLock({ $0.queue.nextJob(now: start) }) else { return }
        if isLast { look(now: start) }
        decode(next)
        let end = clock.now
        state.withLock { $0.queue.didRun(of: model, for: end - start, now: end) }
        lookWhileFree(now: end)
    }

    private func decode(_ next: Decoding) {
        let (request, index, id) = (next.request, next.index, next.id)
        guard let image = request.takeImage(index) else { return }
        do throws(ImageError) {
            var timing = ImageDecoder.Timing()
            let input = try image.tensor(for: request.model.preprocessing, decoder: decoder, timing: &timing)
            // A tensor has neither, pixels are decoded already.
            if timing.decoding > .zero { metrics.decode(timing.decoding) }
            if timing.preprocessing > .zero { metrics.preprocess(timing.preprocessing) }
            request.didDecode(in: timing.decoding + timing.preprocessing)
            makeReady(Image(request: request, index: index, input: input), id: id, now: clock.now)
        } catch {
            state.withLock { state in
                state.queue.remove(id, of: request.model.name)
                report(state.queue, of: request.model.name)
            }
            request.resolve(index, with: .failure(.unreadable(error)))
        }
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
        let action: FairQueue<Image, Decoding>.Action = state.withLock { state in
            let action = state.runningCount < batchLimit ? state.queue.action(now: now) : .rest
            switch action {
            case .run:
                guard !state.willCollect else { return .rest }
                state.willCollect = true
            case .wait(let until):
                // Whoever takes the last picture to decode looks again; until then no thread is free.
                if state.queue.hasJobs { return .rest }
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
            image.request.resolve(image.index, with: isFinite ? .success(outputs) : .failure(.notFinite))
        }
        state.withLock { $0.runningCount -= 1 }
        look(now: clock.now)
    }
}
