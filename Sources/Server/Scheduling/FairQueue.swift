import Threads

/// The queues of all models, and which of them is served next. It uses neither a clock nor threads.
///
/// Each model has a ``ModelQueue`` with a capacity of its own, so that a flood of requests to one model does not lock
/// out the others. Models share the threads by the time that their work takes (``FairSchedule``), charged when a job or
/// a batch is done. The clients of a model share its decode jobs fairly, and so do the requests of a client
/// (``DecodeQueue``).
///
/// Back-pressure: if there is no room left, a request is refused, unless another one takes more than its fair share.
/// Then that one is dropped (``LongestQueueDrop``).
struct FairQueue<Element, Job> {
    typealias Limits = ModelQueue<Element, Job>.Limits

    /// The resource that ran out.
    enum Shortage: String, Error, Equatable, CaseIterable, Sendable {
        case images, bytes, pixels
    }

    /// What all models together may hold.
    struct Capacity: Equatable, Sendable {
        /// The memory of images that wait. Units: bytes.
        var byteCount = Int.max
        /// The pixels of images that wait or are being decoded. Units: pixels.
        var pixelCount = Int.max
        /// The memory that codecs hold at once for the images that are being decoded. Units: bytes.
        var workingByteCount = Int.max
        /// The most large images that are decoded at once by codecs that cannot yield: each occupies a thread.
        var indivisibleCount = Int.max
    }

    /// A decode job that was taken; ``didDecode(_:in:now:)`` must follow.
    struct TakenJob {
        let model: String
        let job: Job
        /// Whether it was its model's last one, so that a batch that waited for it may be due sooner.
        let isLast: Bool
        let client: String
        let cost: ImageCost
    }

    /// How long a batch may take, estimated from the last one, while other models are used too. A tenth of a second is
    /// what a person notices; without a limit, thirty-two images of VGG-19 would block everybody for seconds.
    static var sharedBatchTime: Duration { .milliseconds(100) }
    /// How long a model counts as used after a request: its client may be about to send the next one.
    static var sharingPeriod: Duration { .seconds(1) }
    /// An image that takes longer than this to decode is large. Units: nanoseconds.
    static var largeNanoseconds: Int { 50_000_000 }
    /// While a large image waits for memory, small ones may take 1/16 of it.
    private static var smallImageFraction: Int { 16 }
    /// The longest queue in which requests are dropped for others. To count who holds what takes a tenth of a
    /// microsecond an image, for each request that finds no room.
    private static var maxCountedDepth: Int { 1 << 14 }

    private let capacity: Capacity
    private var models = FairSchedule<String, ModelQueue<Element, Job>>()
    /// The memory that codecs hold for the images that are being decoded. Units: bytes.
    private var workingByteCount = 0
    /// The large images that are being decoded by codecs that cannot yield.
    private var indivisibleCount = 0
    private var lastID = 0

    init(capacity: Capacity) { self.capacity = capacity }

    /// Images that are admitted and not in a batch yet, of all models.
    var depth: Int { models.indices.reduce(0) { $0 + models[$1].depth } }

    /// Whether there are decode jobs that no thread has taken yet.
    var hasJobs: Bool { models.indices.contains { !models[$0].jobs.isEmpty } }

    /// Images of a model that are admitted and not in a batch yet.
    func depth(of model: String) -> Int { models.index(of: model).map { models[$0].depth } ?? 0 }

    /// Admits the images of a request: all of them or none.
    ///
    /// - Parameter client: who sent them, see ``ClientKey``.
    /// - Returns: their numbers, of which the first is the request's; or the resource that ran out.
    mutating func admit(
        _ costs: [ImageCost], of model: String, from client: String = "", limits: Limits, now: ContinuousClock.Instant
    ) -> Result<[Int], Shortage> {
        let index = models.index(of: model) ?? append(model, limits: limits, now: now)
        models[index].limits = limits
        if let shortage = shortage(for: costs, of: index) { return .failure(shortage) }
        if models[index].isIdle { models.rejoin(index) }
        let firstID = lastID + 1
        models[index].admit(costs, from: firstID, client: client, now: now)
        lastID += costs.count
        return .success(Array(firstID...lastID))
    }

    private mutating func append(_ model: String, limits: Limits, now: ContinuousClock.Instant) -> Int {
        models.removeAll { $0.isIdle && now - $0.lastAdmission >= Self.sharingPeriod }
        return models.append(model, ModelQueue(model: model, limits: limits, now: now))
    }

    /// The resource that is too scarce for a request's images; nil if they fit.
    private func shortage(for costs: [ImageCost], of index: Int) -> Shortage? {
        guard models[index].hasPlaces(for: costs.count) else { return .images }
        let heldBytes = models.indices.reduce(0) { $0 + models[$1].byteCount }
        let heldPixels = models.indices.reduce(0) { $0 + models[$1].pixelCount }
        // A model that has nothing waiting may have one request, as large as the request's own limits allow.
        let byteCount = costs.reduce(heldBytes) { $0 + $1.byteCount }
        guard byteCount <= capacity.byteCount || models[index].depth == 0 else { return .bytes }
        let pixelCount = costs.reduce(heldPixels) { $0 + $1.pixelCount }
        return pixelCount <= capacity.pixelCount || heldPixels == 0 ? nil : .pixels
    }

    /// The requests to drop for one that found too little room; nil if none takes more than its fair share.
    func victims(
        for costs: [ImageCost], of model: String, from client: String, shortage: Shortage
    ) -> [RequestOrigin]? {
        let queues = models.indices.lazy.filter { shortage != .images || models[$0].model == model }
        guard queues.reduce(0, { $0 + models[$1].depth }) <= Self.maxCountedDepth else { return nil }
        func amount(_ cost: ImageCost) -> Int {
            switch shortage {
            case .images: 1
            case .bytes: cost.byteCount
            case .pixels: cost.pixelCount
            }
        }
        var held: [RequestOrigin: Int] = [:]
        for index in queues {
            for place in models[index].places.values { held[place.origin, default: 0] += amount(place.cost) }
        }
        let limit =
            switch shortage {
            case .images: queues.first.map { models[$0].limits.capacity } ?? 0
            case .bytes: capacity.byteCount
            case .pixels: capacity.pixelCount
            }
        return LongestQueueDrop(held: held).victims(
            for: costs.reduce(0) { $0 + amount($1) }, from: client, limit: limit)
    }

    /// Queues an image's decode job; the image has been admitted.
    mutating func append(_ job: Job, for id: Int, of model: String) {
        if let index = models.index(of: model) { models[index].append(job, for: id) }
    }

    /// Takes the next decode job; ``didDecode(_:in:now:)`` must follow.
    ///
    /// - Parameter maxNanoseconds: the longest estimate of the job. Units: nanoseconds.
    mutating func nextJob(now: ContinuousClock.Instant, maxNanoseconds: Int = .max) -> TakenJob? {
        // Usually the first model has a job that can be taken.
        var next = models.next { !$0.jobs.isEmpty }
        while let index = next {
            if let taken = takeJob(of: index, now: now, maxNanoseconds: maxNanoseconds) { return taken }
            next = models.next(after: index) { !$0.jobs.isEmpty }
        }
        return nil
    }

    private mutating func takeJob(of index: Int, now: ContinuousClock.Instant, maxNanoseconds: Int) -> TakenJob? {
        let (isAlone, hasThread) = (workingByteCount == 0, indivisibleCount < capacity.indivisibleCount)
        let smallRoom = capacity.workingByteCount / Self.smallImageFraction
        var room = capacity.workingByteCount - workingByteCount
        let next = models[index].jobs.popNext { item in
            guard item.cost.nanoseconds <= maxNanoseconds else { return false }
            guard item.cost.workingByteCount <= room || isAlone || item.cost.workingByteCount == 0 else {
                // Small images may still overtake this one. If larger ones did, it might never get its memory.
                room = min(room, smallRoom)
                return false
            }
            return hasThread || !Self.isIndivisible(item.cost)
        }
        guard let next else { return nil }
        workingByteCount += next.cost.workingByteCount
        if Self.isIndivisible(next.cost) { indivisibleCount += 1 }
        begin(index)
        models[index].delay.willDecode(now: now)
        return TakenJob(
            model: models[index].model, job: next.job, isLast: models[index].jobs.isEmpty, client: next.origin.client,
            cost: next.cost)
    }

    private static func isIndivisible(_ cost: ImageCost) -> Bool {
        !cost.isDivisible && cost.nanoseconds > largeNanoseconds
    }

    /// A decode job that was taken is done.
    ///
    /// - Returns: whether others may have waited for what it held.
    @discardableResult
    mutating func didDecode(_ taken: TakenJob, in duration: Duration, now: ContinuousClock.Instant) -> Bool {
        workingByteCount -= taken.cost.workingByteCount
        if Self.isIndivisible(taken.cost) { indivisibleCount -= 1 }
        didRun(of: taken.model, for: duration, now: now)
        if let index = models.index(of: taken.model) {
            models[index].jobs.correct(taken.client, by: duration.nanoseconds - taken.cost.nanoseconds)
        }
        return taken.cost.workingByteCount > 0 || Self.isIndivisible(taken.cost)
    }

    /// Queues a decoded image for a batch; false if it was dropped in the meantime.
    mutating func makeReady(
        _ id: Int, _ element: Element, of model: String, group: ObjectIdentifier, now: ContinuousClock.Instant
    ) -> Bool {
        guard let index = models.index(of: model) else { return false }
        return models[index].makeReady(id, element, group: group, now: now)
    }

    /// What a free worker should do now.
    func action(now: ContinuousClock.Instant) -> BatchAction {
        var earliest: ContinuousClock.Instant?
        var next = models.next()
        while let index = next {
            let maxSize =
                isShared(besides: index, now: now) ? models[index].batchSize(lasting: Self.sharedBatchTime) : .max
            let action = models[index].action(now: now, maxSize: maxSize)
            switch action {
            case .run: return action
            case .wait(let until): earliest = min(earliest ?? until, until)
            case .idle: break
            }
            next = models.next(after: index)
        }
        return earliest.map { .wait(until: $0) } ?? .idle
    }

    private func isShared(besides index: Int, now: ContinuousClock.Instant) -> Bool {
        models.indices.contains {
            $0 != index && (!models[$0].isIdle || now - models[$0].lastAdmission < Self.sharingPeriod)
        }
    }

    /// Takes images for a batch, oldest first, with how long each had been ready; ``didRun(of:for:imageCount:now:)``
    /// must follow.
    mutating func take(
        _ ids: [Int], of model: String, now: ContinuousClock.Instant
    ) -> [(element: Element, waited: Duration)] {
        guard let index = models.index(of: model) else { return [] }
        begin(index)
        return models[index].take(ids, now: now)
    }

    /// A job or a batch of a model was taken.
    private mutating func begin(_ index: Int) {
        models.begin(index)
        models[index].runningCount += 1
    }

    /// Drops an image that will not run: it could not be decoded, or nobody waits for it any more.
    mutating func remove(_ id: Int, of model: String) {
        if let index = models.index(of: model) { models[index].remove(id) }
    }

    /// A batch or a job that was taken is done.
    ///
    /// - Parameter imageCount: the size of the batch; nil for a job.
    mutating func didRun(
        of model: String, for duration: Duration, imageCount: Int? = nil, now: ContinuousClock.Instant
    ) {
        guard let index = models.index(of: model) else { return }
        models.charge(index, duration.nanoseconds)
        models[index].runningCount -= 1
        if let imageCount {
            models[index].delay.didRun(imageCount, for: duration, now: now)
        } else {
            models[index].delay.didDecode()
        }
    }
}

extension FairQueue.TakenJob: Sendable where Job: Sendable {}
