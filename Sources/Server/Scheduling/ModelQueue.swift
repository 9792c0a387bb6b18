import DequeModule

/// What a free worker should do about the next batch.
enum BatchAction: Equatable {
    /// Run these images, all of one version of a model.
    case run(model: String, [Int])
    /// Ask again at this time: more images may arrive until then.
    case wait(until: ContinuousClock.Instant)
    /// Nothing is ready.
    case idle
}

/// The images of one model that wait, and which of them form the next batch. It uses neither a clock nor threads.
///
/// An image is first admitted, which gives it a place; then decoded, which makes it ready; then it leaves with a batch.
/// A batch holds images of one model version only.
struct ModelQueue<Element, Job> {
    /// How many images may wait, and for how long a worker may wait for more of them.
    struct Limits: Equatable, Sendable {
        /// The most images, from admission to their batch. Units: images.
        var capacity: Int
        /// The largest batch. Units: images.
        var maxBatchSize: Int
        /// The longest that a ready image waits for others.
        var maxDelay: Duration
    }

    /// An image that has been admitted.
    struct Place: Equatable {
        var origin: RequestOrigin
        var cost: ImageCost
    }

    private struct Ready {
        let id: Int
        let element: Element
        /// The model version.
        let group: ObjectIdentifier
        let origin: RequestOrigin
        let since: ContinuousClock.Instant
    }

    let model: String
    /// The limits of the model version that was requested last.
    var limits: Limits
    /// The memory of encoded and decoded images, from admission to their batch. Units: bytes.
    private(set) var byteCount = 0
    /// The same images' pixels. Units: pixels.
    private(set) var pixelCount = 0
    /// The images that have been admitted, by their numbers.
    private(set) var places: [Int: Place] = [:]
    /// Decode jobs that no thread has taken yet.
    var jobs = DecodeQueue<Job>()
    var delay = CoalescingDelay()
    /// Jobs and batches that were taken and are not done.
    var runningCount = 0
    private(set) var lastAdmission: ContinuousClock.Instant
    private var ready: Deque<Ready> = []

    init(model: String, limits: Limits, now: ContinuousClock.Instant) {
        self.model = model
        self.limits = limits
        lastAdmission = now
    }

    /// Images that are admitted and not in a batch yet.
    var depth: Int { places.count }

    /// Whether nothing waits and nothing runs.
    var isIdle: Bool { depth == 0 && jobs.isEmpty && runningCount == 0 }

    /// Whether this many more images may wait.
    func hasPlaces(for imageCount: Int) -> Bool { places.count + imageCount <= limits.capacity }

    /// Admits a request's images. They are numbered from `firstID`, which is the request's number too.
    mutating func admit(
        _ costs: [ImageCost], from firstID: Int, client: String = "", now: ContinuousClock.Instant
    ) {
        for (offset, cost) in costs.enumerated() {
            places[firstID + offset] = Place(origin: RequestOrigin(client: client, request: firstID), cost: cost)
            byteCount += cost.byteCount
            pixelCount += cost.pixelCount
        }
        delay.didAdmit(costs.count, now: now)
        lastAdmission = now
    }

    /// Queues an image's decode job, unless the image was dropped in the meantime.
    mutating func append(_ job: Job, for id: Int) {
        guard let place = places[id] else { return }
        jobs.append(job, id: id, origin: place.origin, cost: place.cost)
    }

    /// Queues a decoded image for a batch; false if it was dropped in the meantime.
    mutating func makeReady(
        _ id: Int, _ element: Element, group: ObjectIdentifier, now: ContinuousClock.Instant
    ) -> Bool {
        guard let place = places[id] else { return false }
        ready.append(Ready(id: id, element: element, group: group, origin: place.origin, since: now))
        return true
    }

    /// What a free worker should do now.
    ///
    /// - Parameters:
    ///   - maxSize: the largest batch where other models wait for the network too.
    ///   - coalescingEnd: how long a batch that is not full waits for images that are on their way; nil uses ``delay``.
    func action(
        now: ContinuousClock.Instant, maxSize: Int = .max, coalescingEnd: ContinuousClock.Instant? = nil
    ) -> BatchAction {
        guard let since = ready.first?.since else { return .idle }
        let size = min(limits.maxBatchSize, maxSize)
        let end =
            coalescingEnd ?? delay.end(readyCount: ready.count, readySince: since, hasUndecoded: !jobs.isEmpty)
        let due = max(since + limits.maxDelay, end)
        // This is asked after each decode, so the batch is put together only if it may be needed.
        if ready.count < size, now < due { return .wait(until: due) }
        var batch: [Int] = []
        let order = ready.count > size ? roundRobin() : Array(ready.indices)
        for index in order where batch.count < size && ready[index].group == ready[order[0]].group {
            batch.append(ready[index].id)
        }
        return batch.count < size && now < due ? .wait(until: due) : .run(model: model, batch)
    }

    /// The ready images, dealt round robin: one of each client, then each client's second, and so on. A client's images
    /// are dealt round robin by its requests.
    private func roundRobin() -> [Int] {
        /// Puts the first of every group before all second ones.
        func dealt(_ indices: [Int], _ group: (RequestOrigin) -> RequestOrigin) -> [Int] {
            var counts: [RequestOrigin: Int] = [:]
            let ranked = indices.enumerated().map { place, index in
                let rank = counts[group(ready[index].origin), default: 0]
                counts[group(ready[index].origin)] = rank + 1
                return (rank: rank, place: place, index: index)
            }
            return ranked.sorted { ($0.rank, $0.place) < ($1.rank, $1.place) }.map(\.index)
        }
        return dealt(dealt(Array(ready.indices)) { $0 }) { RequestOrigin(client: $0.client) }
    }

    /// The largest batch that takes about `duration`, by what an image of the last batch took; at least 1.
    func batchSize(lasting duration: Duration) -> Int {
        guard let time = delay.timePerImage, time > .zero else { return .max }
        return max(1, Int(duration / time))
    }

    /// Takes images out for a batch, with how long each had been ready, oldest first.
    mutating func take(_ ids: [Int], now: ContinuousClock.Instant) -> [(element: Element, waited: Duration)] {
        let wanted = Set(ids)
        let taken = ready.filter { wanted.contains($0.id) }
        ready.removeAll { wanted.contains($0.id) }
        for entry in taken { releasePlace(entry.id) }
        return taken.map { ($0.element, now - $0.since) }
    }

    /// Drops an image that will not run: it could not be decoded, or nobody waits for it any more.
    mutating func remove(_ id: Int) {
        guard let place = releasePlace(id) else { return }
        ready.removeAll { $0.id == id }
        jobs.remove(id, of: place.origin)
    }

    @discardableResult
    private mutating func releasePlace(_ id: Int) -> Place? {
        guard let place = places.removeValue(forKey: id) else { return nil }
        byteCount -= place.cost.byteCount
        pixelCount -= place.cost.pixelCount
        return place
    }
}
