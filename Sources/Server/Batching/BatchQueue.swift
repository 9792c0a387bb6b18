import DequeModule

/// Decides which images may wait and which go to the network together; knows neither clock nor thread.
///
/// An image is admitted first, which gives it a place, becomes ready once it is decoded, and leaves with a batch. A
/// batch holds images of one model version only.
struct BatchQueue<Element> {
    /// How many images may wait, and for how long a worker may wait for more of them.
    struct Limits: Equatable, Sendable {
        /// Units: images, from admission to their batch.
        var capacity: Int
        /// Units: bytes of encoded and decoded images, from admission to their batch.
        var byteCapacity: Int
        var maxBatchSize: Int
        var maxDelay: Duration
    }

    /// The answer to a request for places.
    enum Admission: Equatable {
        case admitted
        case full(Shortage)
    }

    /// What there was too little of.
    enum Shortage: String, Equatable, Sendable {
        case images, bytes
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
        let since: ContinuousClock.Instant
    }

    private let limits: Limits
    private var byteCounts: [Int: Int] = [:]
    private var ready: Deque<Ready> = []
    private var byteCount = 0
    private var nextID = 0

    init(limits: Limits) { self.limits = limits }

    /// How many images have a place. Units: images.
    var depth: Int { byteCounts.count }

    /// How many of them could run now. Units: images.
    var readyCount: Int { ready.count }

    /// Set once a batch is full, so that a worker need not wait for anything.
    var hasFullBatch: Bool { ready.count >= limits.maxBatchSize }

    /// Whether as many images, of so many bytes together, may wait: all of them or none.
    func admission(imageCount: Int, byteCount: Int) -> Admission {
        if byteCounts.count + imageCount > limits.capacity { return .full(.images) }
        // A request that is alone may be as large as the request's own limits let it be.
        if self.byteCount + byteCount > limits.byteCapacity, !byteCounts.isEmpty { return .full(.bytes) }
        return .admitted
    }

    /// Gives an image a place.
    mutating func admit(byteCount: Int) -> Int {
        nextID += 1
        byteCounts[nextID] = byteCount
        self.byteCount += byteCount
        return nextID
    }

    /// Puts an image that has been decoded in line; false where it has lost its place meanwhile.
    mutating func makeReady(
        _ id: Int, _ element: Element, group: ObjectIdentifier, now: ContinuousClock.Instant
    ) -> Bool {
        guard byteCounts[id] != nil else { return false }
        ready.append(Ready(id: id, element: element, group: group, since: now))
        return true
    }

    /// What a worker that is free should do now.
    func action(now: ContinuousClock.Instant) -> Action {
        guard let oldest = ready.first else { return .rest }
        let batch = ready.lazy.filter { $0.group == oldest.group }.prefix(limits.maxBatchSize).map(\.id)
        let due = oldest.since + limits.maxDelay
        return batch.count < limits.maxBatchSize && now < due ? .wait(until: due) : .run(Array(batch))
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

    private mutating func releasePlace(_ id: Int) { byteCount -= byteCounts.removeValue(forKey: id) ?? 0 }
}
