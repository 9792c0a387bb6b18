import Dispatch
import Inference
import Synchronization

/// Leads pictures through decoding, the queue and the network.
///
/// Each picture is decoded and preprocessed on arrival; whatever is ready when the network is free goes there as one batch. A
/// batch waits for the decoding that was asked for before it and for no other, and a whole batch for none: so a lone picture
/// runs at once, and under load batches grow by themselves: while one runs, other threads decode for the next. Everything runs on the threads of one ``WorkerPool``.
public final class Batcher: Sendable {
    /// One picture on its way.
    private struct Image: Sendable {
        let request: PendingRequest
        /// Its place in the request.
        let index: Int
        let input: Tensor
    }

    private struct State {
        var queue: BatchQueue<Image>
        /// Set while a job that will look at the queue is on its way.
        var isCollectionPending = false
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
    private let timers = DispatchQueue(label: "batcher.timers")
    private let clock = ContinuousClock()

    /// A batcher without work; its limits are the settings'.
    public init(settings: Settings, workers: WorkerPool, metrics: ServingMetrics) {
        let limits = BatchQueue<Image>.Limits(
            capacity: settings.batching.queueCapacity, byteCapacity: settings.batching.queueBytes,
            maxBatchSize: settings.batching.maxBatchSize, maxDelay: settings.batching.maxQueueDelay)
        state = Mutex(State(queue: BatchQueue(limits: limits)))
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
        timers.asyncAfter(deadline: .now() + (deadline - clock.now).timeInterval) { [weak self, weak request] in
            if let self, let request { abandon(request, ids, because: .deadlineExceeded) }
        }
        for (index, id) in ids.enumerated() {
            workers.submit(.normal) { [self] in decode(index, of: request, id: id) }
        }
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
        let (ids, shortage): ([Int], BatchQueue<Image>.Shortage?) = state.withLock { state in
            switch state.queue.admission(imageCount: images.count, byteCount: byteCounts.reduce(0, +)) {
            case .full(let shortage): return ([], shortage)
            case .admitted:
                let ids = byteCounts.map { state.queue.admit(byteCount: $0) }
                metrics.queueDepth(state.queue.depth)
                return (ids, nil)
            }
        }
        if let shortage { throw PredictionError.queueFull(reason: shortage.rawValue) }
        return ids
    }

    private func abandon(_ request: PendingRequest, _ ids: [Int], because error: PredictionError) {
        guard request.fail(error) else { return }
        state.withLock { state in
            for id in ids { state.queue.remove(id) }
            metrics.queueDepth(state.queue.depth)
        }
    }

    private func decode(_ index: Int, of request: PendingRequest, id: Int) {
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
                state.queue.remove(id)
                metrics.queueDepth(state.queue.depth)
            }
            request.resolve(index, with: .failure(.unreadable(error)))
        }
    }

    private func makeReady(_ image: Image, id: Int, now: ContinuousClock.Instant) {
        let lane: WorkerPool.Lane? = state.withLock { state in
            let group = ObjectIdentifier(image.request.model)
            guard state.queue.makeReady(id, image, group: group, now: now) else { return nil }
            if state.queue.hasFullBatch { return .high }
            guard !state.isCollectionPending else { return nil }
            state.isCollectionPending = true
            return .normal
        }
        if let lane { workers.submit(lane) { [self] in collect(isRegular: lane == .normal) } }
    }

    /// Takes what is ready and runs it.
    ///
    /// - Parameter isRegular: whether this is the job that ``State/isCollectionPending`` promises.
    private func collect(isRegular: Bool) {
        let now = clock.now
        let (batch, next): ([(element: Image, waited: Duration)], ContinuousClock.Instant?) = state.withLock { state in
            var batch: [(element: Image, waited: Duration)] = []
            var next: ContinuousClock.Instant?
            switch state.runningCount < batchLimit ? state.queue.action(now: now) : .rest {
            case .run(let ids):
                state.runningCount += 1
                batch = state.queue.take(ids, now: now)
                metrics.queueDepth(state.queue.depth)
                if state.queue.readyCount > 0 { next = now }
            case .wait(let until): next = until
            case .rest: break
            }
            if isRegular { state.isCollectionPending = next != nil }
            return (batch, next)
        }
        if isRegular, let next { submitCollection(at: next, now: now) }
        if !batch.isEmpty { run(batch) }
    }

    private func submitCollection(at time: ContinuousClock.Instant, now: ContinuousClock.Instant) {
        guard time > now else { return workers.submit(.normal) { [self] in collect(isRegular: true) } }
        timers.asyncAfter(deadline: .now() + (time - now).timeInterval) { [weak self] in
            if let self { workers.submit(.normal) { self.collect(isRegular: true) } }
        }
    }

    /// Runs one batch, and sees to it that what became ready meanwhile follows.
    private func run(_ batch: [(element: Image, waited: Duration)]) {
        answer(batch)
        let isMore = state.withLock { state in
            state.runningCount -= 1
            guard state.queue.readyCount > 0, !state.isCollectionPending else { return false }
            state.isCollectionPending = true
            return true
        }
        if isMore { workers.submit(.normal) { [self] in collect(isRegular: true) } }
    }

    private func answer(_ batch: [(element: Image, waited: Duration)]) {
        let model = batch[0].element.request.model
        metrics.batchSize(batch.count)
        let start = clock.now
        let logits = model.logits(batch.map(\.element.input))
        let inference = clock.now - start
        metrics.inference(model: model.name, inference)
        metrics.statistics.ran(by: model, pictureCount: batch.count, inference)
        for ((image, waited), outputs) in zip(batch, logits) {
            metrics.queueWait(waited)
            image.request.didRun(batchSize: batch.count, queueWait: waited, inference: inference)
            let isFinite = outputs.allSatisfy(\.isFinite)
            image.request.resolve(image.index, with: isFinite ? .success(outputs) : .failure(.notFinite))
        }
    }
}
