import Testing

@testable import HTTPServer

/// Goes through the table at the top of ``ConnectionState``, cell by cell.
@Suite(.timeLimit(.minutes(1))) struct ConnectionStateTests {
    typealias Event = ConnectionState.Event
    typealias Action = ConnectionState.Action
    typealias Phase = ConnectionClock.Phase

    private static let start = ContinuousClock.now
    private static let options: ServerOptions = {
        var options = ServerOptions()
        options.idleTimeout = .seconds(60)
        options.headerTimeout = .seconds(10)
        options.bodyTimeout = .seconds(30)
        options.writeTimeout = .seconds(30)
        options.lingerTimeout = .seconds(5)
        options.drainGrace = .milliseconds(200)
        options.minBytesPerSecond = 1000
        options.maxBodyBytes = 50
        return options
    }()

    /// All states that differ in what they answer, with the events that lead there.
    enum State: String, CaseIterable {
        case idle, idleYielded, idleEndedAndYielded, idleEnded, idleDraining
        case header, headerYielded, headerEnded, body, handling, handlingEnded
        case writing, writingEnded, writingThenLingerBriefly, writingThenLinger, writingThenClose, writingYielded
        case writingDraining, lingering, lingeringYielded, closed

        var events: [Event] {
            switch self {
            case .idle: []
            case .idleYielded: [.turnSpent]
            // The client ended its stream while the request before was answered.
            case .idleEnded: [.requestBegan, .answer(.keepAlive), .inputEnded, .written]
            case .idleEndedAndYielded: State.idleEnded.events + [.turnSpent]
            case .idleDraining: [.drain]
            case .header: [.requestBegan]
            case .headerYielded: [.requestBegan, .turnSpent]
            case .headerEnded: State.idleEnded.events + [.requestBegan]
            case .body: [.requestBegan, .contentFollows]
            case .handling: [.requestBegan, .requestReady]
            case .handlingEnded: State.headerEnded.events + [.requestReady]
            case .writing: State.handling.events + [.answer(.keepAlive)]
            case .writingEnded: State.writing.events + [.inputEnded]
            case .writingThenLingerBriefly: State.handling.events + [.answer(.lingerBriefly)]
            case .writingThenLinger: State.body.events + [.answer(.linger)]
            case .writingThenClose: State.header.events + [.answer(.close)]
            // Refused at its deadline while it waited for its turn.
            case .writingYielded: State.headerYielded.events + [.answer(.linger)]
            case .writingDraining: State.writing.events + [.drain]
            case .lingering: State.writingThenLinger.events + [.written]
            case .lingeringYielded: State.writingYielded.events + [.written]
            case .closed: [.broken]
            }
        }

        var state: ConnectionState {
            var state = ConnectionState(idle: options.idleTimeout, now: start)
            for event in events { _ = state.on(event, options, now: start) }
            return state
        }

        var phase: Phase {
            switch self {
            case .idle, .idleYielded, .idleEnded, .idleEndedAndYielded: ConnectionStateTests.rest
            case .idleDraining: ConnectionStateTests.grace
            case .header, .headerYielded, .headerEnded: .header
            case .body: .body
            case .handling, .handlingEnded: .handling
            case .writing, .writingEnded, .writingThenLingerBriefly, .writingThenLinger, .writingThenClose,
                .writingYielded, .writingDraining:
                .writing
            case .lingering, .lingeringYielded: .lingering(options.lingerTimeout)
            case .closed: .closed
            }
        }
    }

    private static let rest = Phase.idle(.seconds(60))
    private static let grace = Phase.idle(.milliseconds(200))

    /// One cell: what the event is answered with, and the phase behind it; nil for the same.
    typealias Cell = (action: Action, next: Phase?)

    /// One row: the states in which the event is not ignored.
    struct Row: Sendable {
        let event: Event
        /// When the event comes, counted from the beginning of the phase.
        var time = Duration.zero
        let cells: [State: Cell]

        init(_ event: Event, after time: Duration = .zero, _ cells: [State: Cell]) {
            self.event = event
            self.time = time
            self.cells = cells
        }
    }

    private static func every(_ states: [State], _ action: Action, _ next: Phase? = nil) -> [State: Cell] {
        Dictionary(uniqueKeysWithValues: states.map { ($0, (action, next)) })
    }

    private static func all(besides states: [State] = [], _ action: Action, _ next: Phase? = nil) -> [State: Cell] {
        every(State.allCases.filter { $0 != .closed && !states.contains($0) }, action, next)
    }

    private static let idle: [State] = [.idle, .idleYielded, .idleEnded, .idleEndedAndYielded, .idleDraining]
    private static let header: [State] = [.header, .headerYielded, .headerEnded]
    private static let handling: [State] = [.handling, .handlingEnded]
    private static let writing: [State] = [
        .writing, .writingEnded, .writingThenLingerBriefly, .writingThenLinger, .writingThenClose, .writingYielded,
        .writingDraining,
    ]
    private static let lingering: [State] = [.lingering, .lingeringYielded]
    private static let reading = idle + header + [.body]
    private static let ended: [State] = [.idleEnded, .headerEnded, .handlingEnded, .writingEnded]
    private static let yielded: [State] = [
        .idleYielded, .idleEndedAndYielded, .headerYielded, .writingYielded, .lingeringYielded,
    ]

    static let rows: [Row] = [
        Row(.readable, all(besides: ended + yielded + lingering, .read).merging(every(lingering, .discard)) { $1 }),
        Row(.received(100), every(reading, .parse)),
        Row(.received(101), every(reading, .parse).merging(every(lingering, .close, .closed)) { $1 }),
        Row(.inputEnded, all(besides: writing, .close, .closed).merging(every(writing, .stopReading)) { $1 }),
        Row(.broken, all(.close, .closed)),
        Row(.requestBegan, every(idle, .none, .header)),
        Row(.contentFollows, every(header, .none, .body)),
        Row(.requestReady, every(header + [.body], .handle, .handling)),
        Row(.answer(.keepAlive), every(header + [.body] + handling, .write, .writing)),
        Row(.answer(.close), every(header + [.body] + handling, .write, .writing)),
        Row(.sent(10), [:]),
        Row(
            .written,
            [
                .writing: (.readNext, rest), .writingEnded: (.readNext, rest), .writingDraining: (.readNext, grace),
                .writingThenLingerBriefly: (.linger, .lingering(.seconds(1))),
                .writingThenLinger: (.linger, .lingering(.seconds(5))),
                .writingYielded: (.linger, .lingering(.seconds(5))), .writingThenClose: (.close, .closed),
            ]),
        Row(.blocked, all(besides: lingering, .awaitWritable).merging([.writingThenClose: (.close, .closed)]) { $1 }),
        Row(.turnSpent, every(reading, .yield)),
        Row(.turnCame, every(yielded, .resume)),
        Row(.starved, every([.idleEnded, .headerEnded], .close, .closed)),
        Row(.drain, every(idle, .none, grace)),
        Row(
            .evict,
            every([.idle, .idleEnded, .idleDraining] + lingering, .close, .closed)
                .merging(every([.idleYielded, .idleEndedAndYielded, .body] + handling + writing, .keep)) { $1 }
                .merging(every(header, .refuse(.evicted))) { $1 }),
        Row(
            .evict, after: .milliseconds(2001),
            every([.idle, .idleEnded, .idleDraining] + lingering + writing, .close, .closed)
                .merging(every([.idleYielded, .idleEndedAndYielded] + handling, .keep)) { $1 }
                .merging(every(header + [.body], .refuse(.evicted))) { $1 }),
        Row(.reclaimMemory, [.body: (.refuse(.evicted), nil)]),
        Row(.deadline, all(besides: handling, .checkDeadline)),
        Row(
            .deadline, after: .seconds(60),
            every([.idle, .idleEnded, .idleDraining] + writing + lingering, .close, .closed)
                .merging(every(header, .refuse(.header))) { $1 }
                .merging([.body: (.refuse(.bodyPaused), nil)]) { $1 }),
    ]

    @Test(arguments: rows.indices)
    func `each event is answered in each state as the table says`(index: Int) {
        let row = Self.rows[index]
        for from in State.allCases {
            var state = from.state
            #expect(state.phase == from.phase, "\(from)")
            let action = state.on(row.event, Self.options, now: Self.start + row.time)
            let cell = row.cells[from] ?? (.none, nil)
            #expect(action == cell.action, "\(row.event) in \(from)")
            #expect(state.phase == cell.next ?? from.phase, "\(row.event) in \(from)")
        }
    }

    @Test func `the table has a row for each event`() {
        // A new case fails to compile here, and is then to be added to the rows.
        func number(_ event: Event) -> Int {
            switch event {
            case .readable: 0
            case .received: 1
            case .inputEnded: 2
            case .broken: 3
            case .requestBegan: 4
            case .contentFollows: 5
            case .requestReady: 6
            case .answer: 7
            case .sent: 8
            case .written: 9
            case .blocked: 10
            case .turnSpent: 11
            case .turnCame: 12
            case .starved: 13
            case .drain: 14
            case .evict: 15
            case .reclaimMemory: 16
            case .deadline: 17
            }
        }
        #expect(Set(Self.rows.map { number($0.event) }) == Set(0...17))
    }

    @Test func `the input is open, yielded, ended or both, as the client and the turn have it`() {
        for (from, input) in [
            (State.idle, ConnectionState.Input.open), (.idleYielded, .yielded), (.idleEnded, .ended),
            (.idleEndedAndYielded, .endedAndYielded), (.writingEnded, .ended), (.writingYielded, .yielded),
        ] {
            #expect(from.state.input == input, "\(from)")
        }
        for (from, input) in [
            (State.idleYielded, ConnectionState.Input.open), (.idleEndedAndYielded, .ended), (.writingYielded, .open),
        ] {
            var state = from.state
            _ = state.on(.turnCame, Self.options, now: Self.start)
            #expect(state.input == input, "\(from)")
        }
    }

    @Test func `progress moves the deadlines of bodies and answers, and no other`() {
        for (from, event, moves) in [
            (State.body, Event.received(10_000), true), (.writing, .sent(10_000), true),
            (.header, .received(10_000), false), (.handling, .sent(10_000), false), (.idle, .received(1), false),
        ] {
            var state = from.state
            let (before, revision) = (state.clock.deadline(Self.options), state.revision)
            _ = state.on(event, Self.options, now: Self.start + .seconds(1))
            #expect((state.clock.deadline(Self.options) != before) == moves, "\(from)")
            #expect((state.revision != revision) == moves, "\(from)")
        }
    }

    @Test func `a body that comes too slowly on the whole is told apart from one that pauses`() {
        var state = State.body.state
        _ = state.on(.received(1000), Self.options, now: Self.start + .seconds(29))
        #expect(state.on(.deadline, Self.options, now: Self.start + .seconds(30)) == .checkDeadline)
        #expect(state.on(.deadline, Self.options, now: Self.start + .seconds(31)) == .refuse(.bodyRate))
    }

    @Test func `an idle phase begins anew where a request waits for its turn`() {
        var state = State.idleYielded.state
        #expect(state.on(.deadline, Self.options, now: Self.start + .seconds(61)) == .none)
        #expect(state.clock.deadline(Self.options) == Self.start + .seconds(121))
    }

    @Test func `a connection that has begun is known to have, and lingers for a budget of bytes`() {
        #expect(!State.idle.state.hasBegun && State.header.state.hasBegun && State.idleEnded.state.hasBegun)
        var state = State.lingering.state
        for _ in 0..<2 { #expect(state.on(.received(50), Self.options, now: Self.start) == .none) }
        #expect(state.on(.received(1), Self.options, now: Self.start) == .close)
    }
}
