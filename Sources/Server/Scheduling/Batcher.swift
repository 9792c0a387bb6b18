import Inference
import Synchronization
import Threads

/// Takes images through decoding, the queue and the network.
///
/// Dynamic batching: each image is decoded and preprocessed on arrival, and the images that are ready when the network
/// is free run as one batch. A batch that is not full waits for those that are about to be ready (``CoalescingDelay``).
/// So a lone image runs at once, and batches grow under load. Models, clients and requests share the capacity fairly
/// (``FairQueue``). Everything runs on the threads of one ``WorkerPool``; a long decode yields its thread to shorter
/// work (``DecodeTimeSlice``).
public final class Batcher: Sendable {
    /// A decoded image that waits for its batch.
    private struct Image: Sendable {
        let request: InFlightRequest
        /// Its index among the request's images.
        let index: Int
        let input: Tensor
        /// Whether the client sent the network's input itself.
        let isClientsTensor: Bool
    }

    /// An image that waits for a thread to decode it.
    private struct DecodeJob: Sendable {
        let request: InFlightRequest
        /// Its index among the request's images.
        let index: Int
        /// Its number in the queue.
        let id: Int
    }

    /// A request that was admitted, and the numbers of its images.
    private struct Admitted: Sendable {
        let request: InFlightRequest
        let ids: [Int]
    }

    private typealias Queue = FairQueue<Image, DecodeJob>

    private struct State {
        var queue: Queue
        /// The requests that are not answered yet, by the number of their first image.
        var requests: [Int: Admitted] = [:]
        /// Set while a thread is about to take the next batch.
        var isBatchClaimed = false
        /// When a timer will check the queue again; nil while none is set.
        var nextLook: ContinuousClock.Instant?
        /// The batches in the network.
        var runningCount = 0
    }

    private let state: Mutex<State>
    /// The most batches in the network at once: one for every four threads. The other threads decode images for the
    /// next batch, which becomes larger. With nothing to decode, they help with the running batch.
    private let batchLimit: Int
    private let workers: WorkerPool
    let timers: TimerQueue
    private let computation: any ImageComputation
    private let metrics: ServingMetrics
    private let limits: Settings.Batching
    /// The most pixels of one request.
    private let maxRequestPixels: Int

    /// A batcher without work; its limits are the settings'.
    ///
    /// - Parameter timers: for requests' deadlines and batches' delays.
    public convenience init(
        settings: Settings, workers: WorkerPool, timers: TimerQueue = TimerQueue(), metrics: ServingMetrics
    ) {
        let decoder = ImageDecoder(
            maxPixels: settings.images.maxPixels, maxWorkingBytes: settings.images.decodeBytes,
            appliesOrientation: settings.images.applyOrientation, mode: settings.images.decode,
            keptInputs: settings.batching.maxBatchSize)
        self.init(
            settings: settings, workers: workers, timers: timers, metrics: metrics,
            computation: LocalComputation(decoder: decoder))
    }

    /// A batcher that has images decoded and networks run by `computation`.
    init(
        settings: Settings, workers: WorkerPool, timers: TimerQueue, metrics: ServingMetrics,
        computation: any ImageComputation
    ) {
        let capacity = Queue.Capacity(
            byteCount: settings.batching.queueBytes, pixelCount: settings.batching.queuePixels,
            workingByteCount: settings.images.decodeBytes, indivisibleCount: max(1, workers.threadCount / 2))
        state = Mutex(State(queue: FairQueue(capacity: capacity)))
        limits = settings.batching
        // One image that keeps its own limit is always accepted.
        maxRequestPixels = max(settings.images.maxRequestPixels, settings.images.maxPixels)
        self.workers = workers
        self.timers = timers
        batchLimit = max(1, workers.threadCount / 4)
        self.metrics = metrics
        self.computation = computation
    }

    /// Images that are admitted and not in a batch yet. For tests.
    var depth: Int { state.withLock { $0.queue.depth } }

    /// Requests that are admitted and not answered yet. For tests.
    var requestCount: Int { state.withLock { $0.requests.count } }

    /// Classifies all images of a request by one version of a model.
    ///
    /// - Parameters:
    ///   - client: identifies the client, see ``ClientKey``; clients share the capacity fairly.
    ///   - keepsInputs: whether the report holds the network's inputs.
    /// - Throws: ``PredictionError``; the request's images have left the queue by then.
    public func predict(
        _ images: [ImageInput], by model: Model, client: String = "", deadline: ContinuousClock.Instant,
        keepsInputs: Bool = false
    ) async throws(PredictionError) -> PredictionReport {
        let inputByteCount = model.network.inputShape.elementCount * MemoryLayout<Float>.stride
        let costs = images.map {
            ImageCost(of: $0, maxPixels: computation.maxPixels, inputByteCount: inputByteCount)
        }
        let pixelCount = costs.reduce(0) { $0 + $1.pixelCount }
        guard pixelCount <= maxRequestPixels else {
            throw .tooManyPixels(found: pixelCount, limit: maxRequestPixels)
        }
        let request = InFlightRequest(images: images, model: model, keepsInputs: keepsInputs)
        let ids = try admit(costs, of: request, from: client)
        defer { state.withLock { $0.requests[ids[0]] = nil } }
        let timer = timers.schedule(at: deadline) { [weak self, weak request] in
            if let self, let request { abandon(request, ids, because: .deadlineExceeded) }
        }
        defer { timers.cancel(timer) }
        // Each of these decodes the image that is next in the queue then, which may be another one.
        for _ in ids { workers.submit(.normal) { [self] in decode() } }
        let outcome = await withTaskCancellationHandler {
            await request.outcome()
        } onCancel: {
            abandon(request, ids, because: .cancelled)
        }
        return try outcome.get()
    }

    /// Admits a request's images to the queue. If there is too little room, drops requests that take more than their
    /// share.
    private func admit(
        _ costs: [ImageCost], of request: InFlightRequest, from client: String
    ) throws(PredictionError) -> [Int] {
        let name = request.model.name
        let limits = limits(for: request.model)
        let now = timers.now
        let (admission, dropped) = state.withLock { state in
            var dropped: [(admitted: Admitted, shortage: Queue.Shortage)] = []
            var admission = state.queue.admit(costs, of: name, from: client, limits: limits, now: now)
            // Room for one resource may reveal the shortage of another, so each has one try.
            for _ in Queue.Shortage.allCases {
                guard case .failure(let shortage) = admission,
                    let origins = state.queue.victims(for: costs, of: name, from: client, shortage: shortage)
                else { break }
                for admitted in origins.compactMap({ state.requests.removeValue(forKey: $0.request) }) {
                    dropped.append((admitted, shortage))
                    for id in admitted.ids { state.queue.remove(id, of: admitted.request.model.name) }
                    report(state.queue, of: admitted.request.model.name)
                }
                admission = state.queue.admit(costs, of: name, from: client, limits: limits, now: now)
            }
            if case .success(let ids) = admission {
                for (index, id) in ids.enumerated() {
                    state.queue.append(DecodeJob(request: request, index: index, id: id), for: id, of: name)
                }
                state.requests[ids[0]] = Admitted(request: request, ids: ids)
                report(state.queue, of: name)
            }
            return (admission, dropped)
        }
        for (admitted, shortage) in dropped { admitted.request.fail(.queueFull(reason: shortage.rawValue)) }
        switch admission {
        case .success(let ids): return ids
        case .failure(let shortage): throw PredictionError.queueFull(reason: shortage.rawValue)
        }
    }

    private func limits(for model: Model) -> Queue.Limits {
        let limits = limits.applying(model.batching)
        return Queue.Limits(
            capacity: limits.queueCapacity, maxBatchSize: limits.maxBatchSize, maxDelay: limits.maxQueueDelay)
    }

    private func report(_ queue: Queue, of model: String) {
        metrics.queueDepth(queue.depth, of: model, queue.depth(of: model))
    }

    private func abandon(_ request: InFlightRequest, _ ids: [Int], because error: PredictionError) {
        guard request.fail(error) else { return }
        state.withLock { state in
            for id in ids { state.queue.remove(id, of: request.model.name) }
            report(state.queue, of: request.model.name)
        }
        // A batch may have waited for these images.
        submitDueBatch(now: timers.now)
    }

    // MARK: Decoding

    /// Decodes the next image in the queue.
    private func decode() {
        let start = timers.now
        guard let taken = state.withLock({ $0.queue.nextJob(now: start) }) else { return }
        runDueBatch(now: run(taken, slice: DecodeTimeSlice(taken.cost, now: start)))
    }

    /// Runs a decode job that was taken.
    ///
    /// - Returns: when the job was done.
    private func run(_ taken: Queue.TakenJob, slice: DecodeTimeSlice) -> ContinuousClock.Instant {
        if taken.isLast { submitDueBatch(now: slice.start) }
        decode(taken.job, taken.cost, slice)
        let end = timers.now
        let frees = state.withLock { state in
            state.queue.didDecode(taken, in: end - slice.start - slice.yielded, now: end) && state.queue.hasJobs
        }
        // Jobs that found no memory or no thread were passed over: threads have to look for them again.
        if frees { for _ in 0..<workers.threadCount { workers.submit(.normal) { [self] in decode() } } }
        return end
    }

    private func decode(_ job: DecodeJob, _ cost: ImageCost, _ slice: DecodeTimeSlice) {
        let (request, index, id) = (job.request, job.index, job.id)
        guard let image = request.takeImage(index) else { return }
        do throws(ImageError) {
            var timing = ImageDecoder.Timing()
            let input = try computation.tensor(
                of: image, for: request.model.preprocessing, cost: cost, timing: &timing
            ) { [self] in
                if !request.isOver { yieldThread(slice) }
                return request.isOver
            }
            timing.decoding -= slice.yielded
            // A tensor is neither decoded nor preprocessed; pixels are not decoded.
            if timing.decoding > .zero { metrics.decode(timing.decoding) }
            if timing.preprocessing > .zero { metrics.preprocess(timing.preprocessing) }
            request.didDecode(in: timing.decoding + timing.preprocessing)
            request.didPrepare(index, input)
            let isClientsTensor = if case .tensor = image { true } else { false }
            makeReady(
                Image(request: request, index: index, input: input, isClientsTensor: isClientsTensor), id: id,
                now: timers.now)
        } catch {
            state.withLock { state in
                state.queue.remove(id, of: request.model.name)
                report(state.queue, of: request.model.name)
            }
            request.resolve(index, with: .failure(.unreadable(error)))
        }
    }

    /// Yields the thread in the middle of a long decode: runs due batches and decodes far smaller images for a while.
    private func yieldThread(_ slice: DecodeTimeSlice) {
        let start = timers.now
        guard slice.shouldYield(now: start) else { return }
        var now = start
        repeat {
            if claimDueBatch(now: now) {
                runClaimedBatch()
            } else if !workers.runWaiting(.high) {
                let next = state.withLock {
                    $0.queue.nextJob(now: now, maxNanoseconds: slice.maxNanoseconds(now: now))
                }
                guard let next else { break }
                _ = run(next, slice: DecodeTimeSlice(next.cost, now: now, depth: slice.depth + 1))
            }
            now = timers.now
        } while now - start < DecodeTimeSlice.yieldDuration
        slice.resume(yieldedFrom: start, now: timers.now)
    }

    private func makeReady(_ image: Image, id: Int, now: ContinuousClock.Instant) {
        state.withLock { state in
            let model = image.request.model
            _ = state.queue.makeReady(id, image, of: model.name, group: ObjectIdentifier(model), now: now)
        }
    }

    // MARK: Batches

    /// Submits the next batch to a worker if it is due, ahead of the decode jobs that wait.
    private func submitDueBatch(now: ContinuousClock.Instant) {
        if claimDueBatch(now: now) { workers.submit(.high) { [self] in runClaimedBatch() } }
    }

    /// Runs the next batch on this thread if it is due. For a worker that is free.
    private func runDueBatch(now: ContinuousClock.Instant) {
        if claimDueBatch(now: now) { runClaimedBatch() }
    }

    /// Claims the next batch, if it is due and nobody has claimed it. ``runClaimedBatch()`` has to follow soon. If a
    /// batch is due later, sets a timer that checks again then.
    ///
    /// - Returns: whether a batch was claimed.
    private func claimDueBatch(now: ContinuousClock.Instant) -> Bool {
        let action: BatchAction = state.withLock { state in
            let action = state.runningCount < batchLimit ? state.queue.action(now: now) : .idle
            switch action {
            case .run:
                guard !state.isBatchClaimed else { return .idle }
                state.isBatchClaimed = true
            case .wait(let until):
                if let next = state.nextLook, next <= until { return .idle }
                state.nextLook = until
            case .idle: break
            }
            return action
        }
        if case .wait(let until) = action {
            timers.schedule(at: until) { [weak self] in self?.lookAgain(at: until) }
        }
        return if case .run = action { true } else { false }
    }

    private func lookAgain(at time: ContinuousClock.Instant) {
        state.withLock { if $0.nextLook == time { $0.nextLook = nil } }
        submitDueBatch(now: max(time, timers.now))
    }

    /// Takes the batch that was claimed and runs it.
    private func runClaimedBatch() {
        let now = timers.now
        let batch: [(element: Image, waited: Duration)] = state.withLock { state in
            state.isBatchClaimed = false
            guard state.runningCount < batchLimit, case .run(let model, let ids) = state.queue.action(now: now) else {
                return []
            }
            state.runningCount += 1
            defer { report(state.queue, of: model) }
            return state.queue.take(ids, of: model, now: now)
        }
        submitDueBatch(now: now)
        if !batch.isEmpty { run(batch) }
    }

    /// Runs one batch, answers its images, and submits the next batch if it is due.
    private func run(_ batch: [(element: Image, waited: Duration)]) {
        let model = batch[0].element.request.model
        metrics.batchSize(batch.count)
        let start = timers.now
        let logits = computation.logits(of: batch.map(\.element.input), by: model)
        let end = timers.now
        // This precedes the answers: a client that asks again at once must count as returning after this batch.
        state.withLock { $0.queue.didRun(of: model.name, for: end - start, imageCount: batch.count, now: end) }
        metrics.inference(model: model.name, end - start)
        metrics.statistics.ran(by: model, imageCount: batch.count, end - start)
        for ((image, waited), outputs) in zip(batch, logits) {
            metrics.queueWait(waited)
            image.request.didRun(batchSize: batch.count, queueWait: waited, inference: end - start)
            let isFinite = outputs.allSatisfy(\.isFinite)
            image.request.resolve(image.index, with: isFinite ? .success(outputs) : .failure(Self.failure(of: image)))
        }
        state.withLock { $0.runningCount -= 1 }
        submitDueBatch(now: timers.now)
    }

    /// Why the network's outputs are not finite: a client's tensor can hold any number, decoded pixels cannot.
    private static func failure(of image: Image) -> ImageFailure {
        guard image.isClientsTensor else { return .notFinite }
        return .overflow(largest: image.input.scalars.reduce(0) { max($0, abs($1)) })
    }
}

extension Settings.Batching {
    /// These limits, except for those that a model's `model.json` sets itself.
    func applying(_ own: BatchingDescription) -> Self {
        var limits = self
        if let maxBatchSize = own.maxBatchSize { limits.maxBatchSize = maxBatchSize }
        if let queueCapacity = own.queueCapacity { limits.queueCapacity = queueCapacity }
        return limits
    }
}
