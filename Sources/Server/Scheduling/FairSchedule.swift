/// Flows that share the time of one server, and which of them is served next. It uses neither a clock nor threads.
///
/// Fair queueing in virtual time: the flow whose work has taken least goes first, and of equals the one that was served
/// longest ago. A flow that was idle rejoins at the current virtual time, so that it earns no extra share. Schedules
/// nest: a flow may be a schedule itself, as clients are within a model and requests within a client.
///
/// - Source: Goyal, Vin, Cheng, "Start-time Fair Queuing", SIGCOMM 1996
/// - Source: Golestani, "A Self-Clocked Fair Queueing Scheme for Broadband Applications", INFOCOM 1994: finish times
struct FairSchedule<ID: Equatable, Flow> {
    private struct Entry {
        let id: ID
        var flow: Flow
        /// The time that the flow's work has taken, and what it missed while it was idle. Units: nanoseconds.
        var time: Int
        /// The estimate of its next piece of work if flows are ordered by finish times; 0 if they are ordered by start
        /// times. Units: nanoseconds.
        var nextCost: Int
        /// The number of its last turn; 0 before the first.
        var lastTurn = 0

        /// The start or finish time that orders the flows. Units: nanoseconds.
        var tag: Int { time + nextCost }
    }

    /// In the order in which they were added. They are few, so an array beats a dictionary, and they are changed in
    /// place.
    private var entries: [Entry] = []
    /// The tag of the latest turn; it never falls. Units: nanoseconds.
    private var virtualTime = 0
    private var turnCount = 0

    /// The flows' indices, valid until one is added or removed.
    var indices: Range<Int> { entries.indices }

    var isEmpty: Bool { entries.isEmpty }

    subscript(index: Int) -> Flow {
        _read { yield entries[index].flow }
        _modify { yield &entries[index].flow }
    }

    func index(of id: ID) -> Int? { entries.firstIndex { $0.id == id } }

    /// Adds a flow, which begins at the current virtual time.
    ///
    /// - Parameter nextCost: the estimate of its first piece of work, if flows are ordered by finish times. Units:
    ///   nanoseconds.
    /// - Returns: its index.
    @discardableResult
    mutating func append(_ id: ID, _ flow: Flow, nextCost: Int = 0) -> Int {
        entries.append(Entry(id: id, flow: flow, time: virtualTime, nextCost: nextCost))
        return entries.count - 1
    }

    mutating func remove(at index: Int) { entries.remove(at: index) }

    /// Removes idle flows, except those that have had more than their share: that counts until the others have caught
    /// up.
    mutating func removeAll(where isIdle: (Flow) -> Bool) {
        entries.removeAll { $0.time <= virtualTime && isIdle($0.flow) }
    }

    /// A flow that was idle has work again.
    mutating func rejoin(_ index: Int) { entries[index].time = max(entries[index].time, virtualTime) }

    /// The flow that is served next, of those with work.
    ///
    /// - Parameter last: if given, only flows that come after this one in the order are considered.
    func next(after last: Int? = nil, where hasWork: (Flow) -> Bool = { _ in true }) -> Int? {
        var next: Int?
        for index in entries.indices {
            if let last, !isBefore(last, index) { continue }
            if let next, isBefore(next, index) { continue }
            if hasWork(entries[index].flow) { next = index }
        }
        return next
    }

    /// Begins a flow's turn.
    mutating func begin(_ index: Int) {
        turnCount += 1
        virtualTime = max(virtualTime, entries[index].tag)
        entries[index].lastTurn = turnCount
    }

    /// Adds to what a flow's work has taken; a negative amount corrects an estimate.
    ///
    /// - Parameter nextCost: the estimate of its next piece of work, if flows are ordered by finish times.
    mutating func charge(_ index: Int, _ nanoseconds: Int, nextCost: Int = 0) {
        entries[index].time += nanoseconds
        entries[index].nextCost = nextCost
    }

    private func isBefore(_ index: Int, _ other: Int) -> Bool {
        (entries[index].tag, entries[index].lastTurn, index) < (entries[other].tag, entries[other].lastTurn, other)
    }
}
