import DequeModule

/// The images of one model that wait, and which of them go to the network together; knows neither clock nor thread.
///
/// An image is admitted first, which gives it a place, becomes ready once it is decoded, and leaves with a batch. A
/// batch holds images of one model version only.
struct BatchQueue<Element> {
    /// How many images may wait, and for how long a worker may wait for more of them.
    struct Limits: Equatable, Sendable {
        /// Units: images, from admission to their batch.
        var capacity: Int
        var maxBatchSize: Int
        var maxDelay: Duration
    }

    /// What a free worker should do.
    enum Action: Equatable {
        /// Run these, all of one model version.
        case run([Int])
        /// Come back then: more may arrive.
        case wait(until: ContinuousClock.Instant)
        /// Nothing is ready.
        case rest
    }

    private struct Ready {
        let id: Int
        let element: Element
        let group: ObjectIdentifier
        let origin: RequestOrigin
        let since: ContinuousClock.Instant
    }

    /// Those of the version that was asked last.
    var limits: Limits
    /// Of encoded and decoded images, from admission to their batch. Units: bytes.
    private(set) var byteCount = 0
    /// The same images' pixels.
    private(set) var pixelCount = 0
    /// An image that has been admitted.
    struct Place: Equatable {
        var origin: RequestOrigin
        var cost: ImageCost
    }

    /// The images that have places, by their numbers.
    private(set) var places: [Int: Place] = [:]
    private var ready: Deque<Ready> = []

    init(limits: Limits) { self.limits = limits }

    /// How many images have a place. Units: images.
    var depth: Int { places.count }

    /// How many of them could run now. Units: images.
    var readyCount: Int { ready.count }

    /// Whether so many images may wait: all of them or none.
    func hasPlaces(for imageCount: Int) -> Bool { places.count + imageCount <= limits.capacity }

    /// Gives an image a place under a number that no other has.
    mutating func admit(_ id: Int, cost: ImageCost, origin: RequestOrigin = RequestOrigin()) {
        places[id] = Place(origin: origin, cost: cost)
        byteCount += cost.byteCount
        pixelCount += cost.pixelCount
    }

    /// Puts an image that has been decoded in line; false where it has lost its place meanwhile.
    mutating func makeReady(
        _ id: Int, _ element: Element, group: ObjectIdentifier, now: ContinuousClock.Instant
    ) -> Bool {
        guard let place = places[id] else { return false }
        ready.append(Ready(id: id, element: element, group: group, origin: place.origin, since: now))
        return true
    }

    /// Since when the first of them could; nil where none could.
    var readySince: ContinuousClock.Instant? { ready.isEmpty ? nil : ready[0].since }

    /// What a worker that is free should do now.
    ///
    /// - Parameters:
    ///   - most: of a batch, where others wait for the network too.
    ///   - gatheringEnd: until when more are sure enough to come for a batch that is not full to wait for them.
    func action(
        now: ContinuousClock.Instant, most: Int = .max, gatheringEnd: ContinuousClock.Instant? = nil
    ) -> Action {
        guard let since = readySince else { return .rest }
        let size = min(limits.maxBatchSize, most)
        let due = max(since + limits.maxDelay, gatheringEnd ?? since)
        // Asked of each image that is decoded: the numbers are gathered only where they may be needed.
        if ready.count < size, now < due { return .wait(until: due) }
        var batch: [Int] = []
        let order = ready.count > size ? turns() : Array(ready.indices)
        for index in order where batch.count < size && ready[index].group == ready[order[0]].group {
            batch.append(ready[index].id)
        }
        return batch.count < size && now < due ? .wait(until: due) : .run(batch)
    }

    /// The images that could run, in the order of their turns: first one of each client, then each one's second, and so on;
    /// and a client's images in the same way by its requests.
    private func turns() -> [Int] {
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

    /// Takes images out, with how long each had been ready, oldest first.
    mutating func take(_ ids: [Int], now: ContinuousClock.Instant) -> [(element: Element, waited: Duration)] {
        let wanted = Set(ids)
        let taken = ready.filter { wanted.contains($0.id) }
        ready.removeAll { wanted.contains($0.id) }
        for entry in taken { releasePlace(entry.id) }
        return taken.map { ($0.element, now - $0.since) }
    }

    /// Takes an image out unrun: it could not be decoded, or nobody waits for it any more.
    mutating func remove(_ id: Int) {
        releasePlace(id)
        ready.removeAll { $0.id == id }
    }

    private mutating func releasePlace(_ id: Int) {
        guard let place = places.removeValue(forKey: id) else { return }
        byteCount -= place.cost.byteCount
        pixelCount -= place.cost.pixelCount
    }
}
