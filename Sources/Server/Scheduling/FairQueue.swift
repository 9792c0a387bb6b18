import DequeModule

/// The queues of all models, and whose turn it is; knows neither clock nor thread.
///
/// Each model has a ``BatchQueue`` of its own with places of its own, so that a flood which fills one leaves the others'
/// free. Whose job is next, and whose batch, is decided by the time that each model's work has taken: least goes first, and
/// among equals the one whose last turn is longest ago. A model that comes back from a rest begins where the others are:
/// time that nobody wanted is not saved up, and what was taken is not forgotten. Among a model's jobs the clients take turns,
/// and among a client's its requests (``FairLine``).
///
/// Where there is no place left, work gives way that takes more of it than its fair share (``Crowding``).
///
/// - Source: Goyal, Vin, Cheng, "Start-time Fair Queuing", SIGCOMM 1996; time is charged when a job is done.
struct FairQueue<Element, Job> {
    /// What there was too little of.
    enum Shortage: String, Error, Equatable, CaseIterable, Sendable {
        case images, bytes, pixels
    }

    /// What all models together may hold.
    struct Capacity: Equatable, Sendable {
        /// Of images that wait. Units: bytes.
        var byteCount = Int.max
        /// Of images that wait or are being decoded.
        var pixelCount = Int.max
        /// What codecs hold at once of the images that are being decoded. Units: bytes.
        var heldByteCount = Int.max
        /// Large images that are decoded at once by codecs that never give way. They need a thread each.
        var indivisibleCount = Int.max
    }

    /// What of the images that are being decoded counts.
    private struct Running {
        var heldByteCount = 0
        var indivisibleCount = 0
    }

    /// What a free worker should do.
    enum Action: Equatable {
        /// Run these images of a model, all of one version.
        case run(model: String, [Int])
        /// Come back then: more may arrive.
        case wait(until: ContinuousClock.Instant)
        /// Nothing is ready.
        case rest
    }

    private struct Line {
        let model: String
        var queue: BatchQueue<Element>
        /// Those that nobody has taken yet, in the order they came.
        var jobs = FairLine<Job>()
        /// Jobs and batches that were taken and are not done.
        var runningCount = 0
        /// What they took up to now, and what was left out for having rested.
        var time: Duration
        /// When it last had a turn, counted in turns; 0 where it had none.
        var lastTurn = 0
        var gathering = Gathering()
        /// When images were last admitted.
        var lastAdmission: ContinuousClock.Instant

        var isEmpty: Bool { queue.depth == 0 && jobs.isEmpty && runningCount == 0 }

        /// Gives images places, numbered from `firstID` on; what there is too little of otherwise.
        mutating func admit(
            _ costs: [ImageCost], from firstID: Int, client: String, limits: BatchQueue<Element>.Limits,
            room: (byteCount: Int, pixelCount: Int, isWhole: Bool), notBefore virtualTime: Duration,
            now: ContinuousClock.Instant
        ) -> Shortage? {
            queue.limits = limits
            guard queue.hasPlaces(for: costs.count) else { return .images }
            // A model that has nothing waiting may have one request, as large as the request's own limits let it be.
            guard costs.reduce(0, { $0 + $1.byteCount }) <= room.byteCount || queue.depth == 0 else { return .bytes }
            guard costs.reduce(0, { $0 + $1.pixelCount }) <= room.pixelCount || room.isWhole else { return .pixels }
            if isEmpty { time = max(time, virtualTime) }
            let origin = RequestOrigin(client: client, request: firstID)
            for (offset, cost) in costs.enumerated() { queue.admit(firstID + offset, cost: cost, origin: origin) }
            gathering.didAdmit(costs.count, now: now)
            lastAdmission = now
            return nil
        }

        /// How many images a batch may hold where another model is asked too.
        var sharedBatchSize: Int {
            guard let time = gathering.timePerImage, time > .zero else { return .max }
            return max(1, Int(FairQueue.sharedBatchTime / time))
        }

        /// What a worker that is free should do for this model.
        func action(now: ContinuousClock.Instant, most: Int) -> BatchQueue<Element>.Action {
            guard let readySince = queue.readySince else { return .rest }
            return queue.action(
                now: now, most: most,
                gatheringEnd: gathering.end(
                    readyCount: queue.readyCount, readySince: readySince, hasUndecoded: !jobs.isEmpty))
        }
    }

    private let capacity: Capacity
    private var running = Running()
    /// One a model, in no order. They are few, and large: an array lets them stay where they are.
    private var lines: [Line] = []
    private var nextID = 0
    private var turn = 0
    /// The time at which the latest turn began; it never falls.
    private var virtualTime = Duration.zero

    /// How long a batch may take, by what one before it took, where another model is asked too. A tenth of a second is what
    /// a person notices; without a limit, thirty-two images of VGG-19 would hold everybody up for seconds.
    static var sharedBatchTime: Duration { .milliseconds(100) }

    /// How long ago another model may have been asked for a batch to leave it room: its client may be about to ask again.
    static var sharingPeriod: Duration { .seconds(1) }

    init(capacity: Capacity) { self.capacity = capacity }

    /// How many images have a place. Units: images.
    var depth: Int { lines.indices.reduce(0) { $0 + lines[$1].queue.depth } }

    /// Whether there are jobs that nobody has taken yet.
    var hasJobs: Bool { lines.indices.contains { !lines[$0].jobs.isEmpty } }

    /// How many images of a model have a place. Units: images.
    func depth(of model: String) -> Int { index(of: model).map { lines[$0].queue.depth } ?? 0 }

    /// Gives the images of a request places: all of them or none.
    ///
    /// - Parameter client: who sent them, see ``ClientKey``.
    /// - Returns: their numbers, of which the first is the request's, or what there was too little of.
    mutating func admit(
        _ costs: [ImageCost], of model: String, from client: String = "", limits: BatchQueue<Element>.Limits,
        now: ContinuousClock.Instant
    ) -> Result<[Int], Shortage> {
        let index = index(of: model) ?? begin(model, limits: limits, now: now)
        let held = lines.indices.reduce(into: (byteCount: 0, pixelCount: 0)) { held, index in
            held.byteCount += lines[index].queue.byteCount
            held.pixelCount += lines[index].queue.pixelCount
        }
        let firstID = nextID + 1
        let shortage = lines[index].admit(
            costs, from: firstID, client: client, limits: limits,
            room: (capacity.byteCount - held.byteCount, capacity.pixelCount - held.pixelCount, held.pixelCount == 0),
            notBefore: virtualTime, now: now)
        if let shortage { return .failure(shortage) }
        nextID += costs.count
        return .success(Array(firstID...nextID))
    }

    /// The requests that have to give way for one that found too little room, so that it is admitted once they are gone; nil
    /// where none takes more than its fair share.
    func crowding(
        _ costs: [ImageCost], of model: String, from client: String, shortage: Shortage
    ) -> [RequestOrigin]? {
        let lines = shortage == .images ? lines.filter { $0.model == model } : lines
        guard lines.reduce(0, { $0 + $1.queue.depth }) <= Self.mostCounted else { return nil }
        func amount(_ cost: ImageCost) -> Int {
            switch shortage {
            case .images: 1
            case .bytes: cost.byteCount
            case .pixels: cost.pixelCount
            }
        }
        var held: [RequestOrigin: Int] = [:]
        for place in lines.flatMap(\.queue.places.values) { held[place.origin, default: 0] += amount(place.cost) }
        let limit =
            switch shortage {
            case .images: lines.first?.queue.limits.capacity ?? 0
            case .bytes: capacity.byteCount
            case .pixels: capacity.pixelCount
            }
        return Crowding(held: held).victims(
            of: costs.reduce(0) { $0 + amount($1) }, from: client, limit: limit)
    }

    /// In longer queues nobody gives way: who holds what is counted for each request that finds no place, which takes a tenth of
    /// a microsecond an image.
    private static var mostCounted: Int { 1 << 14 }

    /// Puts an image's job in line; it has a place.
    mutating func append(_ job: Job, for id: Int, of model: String) {
        guard let index = index(of: model), let place = lines[index].queue.places[id] else { return }
        lines[index].jobs.append(job, id: id, origin: place.origin, cost: place.cost)
    }

    /// A job that was taken.
    struct Turn {
        let model: String
        let job: Job
        /// Was it its model's last, so that a batch which waited for it may be due sooner?
        let isLast: Bool
        let client: String
        let cost: ImageCost
    }

    /// What codecs may hold of small images while a large one waits for memory: one part in so many.
    private static var smallShare: Int { 16 }
    /// An image that takes longer is large. Units: nanoseconds.
    static var largeNanoseconds: Int { 50_000_000 }

    /// Takes the job whose turn it is; ``didDecode(_:in:now:)`` is to follow.
    ///
    /// - Parameter most: what it may be estimated to take. Units: nanoseconds.
    mutating func nextJob(now: ContinuousClock.Instant, most: Int = .max) -> Turn? {
        var waiting = lines.indices.filter { !lines[$0].jobs.isEmpty }
        // Usually the first has one.
        while let index = waiting.min(by: isBefore) {
            if let turn = takeJob(of: index, now: now, most: most) { return turn }
            waiting.removeAll { $0 == index }
        }
        return nil
    }

    private mutating func takeJob(of index: Int, now: ContinuousClock.Instant, most: Int) -> Turn? {
        var room = capacity.heldByteCount - running.heldByteCount
        let isAlone = running.heldByteCount == 0
        let next = lines[index].jobs.popNext { turn in
            guard turn.cost.nanoseconds <= most else { return .skip }
            guard turn.cost.heldByteCount <= room || isAlone || turn.cost.heldByteCount == 0 else {
                // Small ones may still go ahead; others would take the memory again and again.
                room = min(room, capacity.heldByteCount / Self.smallShare)
                return .skip
            }
            let hasThread = running.indivisibleCount < capacity.indivisibleCount || !Self.isIndivisible(turn.cost)
            return hasThread ? .take : .skip
        }
        guard let next else { return nil }
        running.heldByteCount += next.cost.heldByteCount
        if Self.isIndivisible(next.cost) { running.indivisibleCount += 1 }
        begin(index)
        lines[index].gathering.willDecode(now: now)
        return Turn(
            model: lines[index].model, job: next.element, isLast: lines[index].jobs.isEmpty, client: next.origin.client,
            cost: next.cost)
    }

    private static func isIndivisible(_ cost: ImageCost) -> Bool {
        !cost.isDivisible && cost.nanoseconds > largeNanoseconds
    }

    /// A job that was taken is done.
    ///
    /// - Returns: whether others may have waited for what it held.
    @discardableResult
    mutating func didDecode(_ turn: Turn, in duration: Duration, now: ContinuousClock.Instant) -> Bool {
        running.heldByteCount -= turn.cost.heldByteCount
        if Self.isIndivisible(turn.cost) { running.indivisibleCount -= 1 }
        didRun(of: turn.model, for: duration, now: now)
        if let index = index(of: turn.model) {
            lines[index].jobs.correct(turn.client, by: duration.nanoseconds - turn.cost.nanoseconds)
        }
        return turn.cost.heldByteCount > 0 || Self.isIndivisible(turn.cost)
    }

    /// Puts an image that has been decoded in line; false where it has lost its place meanwhile.
    mutating func makeReady(
        _ id: Int, _ element: Element, of model: String, group: ObjectIdentifier, now: ContinuousClock.Instant
    ) -> Bool {
        guard let index = index(of: model) else { return false }
        return lines[index].queue.makeReady(id, element, group: group, now: now)
    }

    /// What a worker that is free should do now.
    func action(now: ContinuousClock.Instant) -> Action {
        var next: (index: Int, ids: [Int])?
        var earliest: ContinuousClock.Instant?
        for index in lines.indices {
            let most = isShared(besides: index, now: now) ? lines[index].sharedBatchSize : .max
            switch lines[index].action(now: now, most: most) {
            case .run(let ids):
                if let found = next?.index, !isBefore(index, found) { continue }
                next = (index, ids)
            case .wait(let until): earliest = min(earliest ?? until, until)
            case .rest: break
            }
        }
        if let next { return .run(model: lines[next.index].model, next.ids) }
        return earliest.map { .wait(until: $0) } ?? .rest
    }

    /// Takes images out for a batch, with how long each had been ready, oldest first;
    /// ``didRun(of:for:imageCount:now:)`` is to follow.
    mutating func take(
        _ ids: [Int], of model: String, now: ContinuousClock.Instant
    ) -> [(element: Element, waited: Duration)] {
        guard let index = index(of: model) else { return [] }
        begin(index)
        return lines[index].queue.take(ids, now: now)
    }

    /// Takes an image out unrun: it could not be decoded, or nobody waits for it any more.
    mutating func remove(_ id: Int, of model: String) {
        guard let index = index(of: model), let place = lines[index].queue.places[id] else { return }
        lines[index].queue.remove(id)
        lines[index].jobs.removeAll(of: place.origin) { $0 == id }
    }

    /// A batch that was taken is done, or a job that held nothing.
    ///
    /// - Parameter imageCount: of a batch; nil after a job.
    mutating func didRun(
        of model: String, for duration: Duration, imageCount: Int? = nil, now: ContinuousClock.Instant
    ) {
        guard let index = index(of: model) else { return }
        lines[index].runningCount -= 1
        lines[index].time += duration
        if let imageCount {
            lines[index].gathering.didRun(imageCount, for: duration, now: now)
        } else {
            lines[index].gathering.didDecode()
        }
    }

    private func index(of model: String) -> Int? { lines.indices.first { lines[$0].model == model } }

    private func isShared(besides index: Int, now: ContinuousClock.Instant) -> Bool {
        lines.indices.contains {
            $0 != index && (!lines[$0].isEmpty || now - lines[$0].lastAdmission < Self.sharingPeriod)
        }
    }

    /// Begins the line of a model that has none.
    private mutating func begin(
        _ model: String, limits: BatchQueue<Element>.Limits, now: ContinuousClock.Instant
    ) -> Int {
        forgetTheResting(now: now)
        lines.append(
            Line(model: model, queue: BatchQueue(limits: limits), time: virtualTime, lastAdmission: now))
        return lines.count - 1
    }

    /// Begins a turn of a line.
    private mutating func begin(_ index: Int) {
        turn += 1
        virtualTime = max(virtualTime, lines[index].time)
        lines[index].lastTurn = turn
        lines[index].runningCount += 1
    }

    /// What a model took counts until the others have caught up.
    private mutating func forgetTheResting(now: ContinuousClock.Instant) {
        lines.removeAll { line in
            line.isEmpty && line.time <= virtualTime && now - line.lastAdmission >= Self.sharingPeriod
        }
    }

    /// Whether it is the turn of one line rather than of another, where both have something to do.
    private func isBefore(_ index: Int, _ other: Int) -> Bool {
        (lines[index].time, lines[index].lastTurn) < (lines[other].time, lines[other].lastTurn)
    }
}

extension FairQueue.Turn: Sendable where Job: Sendable {}
