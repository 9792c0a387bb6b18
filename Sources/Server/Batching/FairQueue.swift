import DequeModule

/// The queues of all models, and whose turn it is; knows neither clock nor thread.
///
/// Each model has a ``BatchQueue`` of its own with places of its own, so that a flood which fills one leaves the others'
/// free. Whose job is next, and whose batch, is decided by the time that each model's work has taken: least goes first, and
/// among equals the one whose last turn is longest ago. A model that comes back from a rest begins where the others are:
/// time that nobody wanted is not saved up, and what was taken is not forgotten.
///
/// - Source: Goyal, Vin, Cheng, "Start-time Fair Queuing", SIGCOMM 1996; time is charged when a job is done.
struct FairQueue<Element, Job> {
    /// What there was too little of.
    enum Shortage: String, Error, Equatable {
        case images, bytes
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
        var jobs: Deque<(id: Int, job: Job)> = []
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
            _ byteCounts: [Int], from firstID: Int, limits: BatchQueue<Element>.Limits, room: Int,
            notBefore virtualTime: Duration, now: ContinuousClock.Instant
        ) -> Shortage? {
            queue.limits = limits
            guard queue.hasPlaces(for: byteCounts.count) else { return .images }
            // A model that has nothing waiting may have one request, as large as the request's own limits let it be.
            guard byteCounts.reduce(0, +) <= room || queue.depth == 0 else { return .bytes }
            if isEmpty { time = max(time, virtualTime) }
            for (offset, byteCount) in byteCounts.enumerated() { queue.admit(firstID + offset, byteCount: byteCount) }
            gathering.didAdmit(byteCounts.count, now: now)
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

    private let byteCapacity: Int
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

    /// - Parameter byteCapacity: of all images that wait, of all models together. Units: bytes.
    init(byteCapacity: Int) { self.byteCapacity = byteCapacity }

    /// How many images have a place. Units: images.
    var depth: Int { lines.indices.reduce(0) { $0 + lines[$1].queue.depth } }

    /// Whether there are jobs that nobody has taken yet.
    var hasJobs: Bool { lines.indices.contains { !lines[$0].jobs.isEmpty } }

    /// How many images of a model have a place. Units: images.
    func depth(of model: String) -> Int { index(of: model).map { lines[$0].queue.depth } ?? 0 }

    /// Gives the images of a request places: all of them or none.
    ///
    /// - Returns: their numbers, or what there was too little of.
    mutating func admit(
        _ byteCounts: [Int], of model: String, limits: BatchQueue<Element>.Limits, now: ContinuousClock.Instant
    ) -> Result<[Int], Shortage> {
        let index = index(of: model) ?? begin(model, limits: limits, now: now)
        let held = lines.indices.reduce(0) { $0 + lines[$1].queue.byteCount }
        let firstID = nextID + 1
        let shortage = lines[index].admit(
            byteCounts, from: firstID, limits: limits, room: byteCapacity - held, notBefore: virtualTime, now: now)
        if let shortage { return .failure(shortage) }
        nextID += byteCounts.count
        return .success(Array(firstID...nextID))
    }

    /// Puts an image's job behind those of its model.
    mutating func append(_ job: Job, for id: Int, of model: String) {
        if let index = index(of: model) { lines[index].jobs.append((id, job)) }
    }

    /// Takes the job whose turn it is; ``didRun(of:for:imageCount:now:)`` is to follow.
    ///
    /// - Returns: also whether it was its model's last, so that a batch which waited for it may be due sooner.
    mutating func nextJob(now: ContinuousClock.Instant) -> (model: String, job: Job, isLast: Bool)? {
        let waiting = lines.indices.filter { !lines[$0].jobs.isEmpty }
        guard let index = waiting.min(by: isBefore), let next = lines[index].jobs.popFirst() else { return nil }
        begin(index)
        lines[index].gathering.willDecode(now: now)
        return (lines[index].model, next.job, lines[index].jobs.isEmpty)
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
        guard let index = index(of: model) else { return }
        lines[index].queue.remove(id)
        lines[index].jobs.removeAll { $0.id == id }
    }

    /// A job or a batch that was taken is done.
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
