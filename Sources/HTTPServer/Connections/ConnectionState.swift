/// The state machine of a connection; does no I/O, and gets the time as an argument.
///
/// ``Connection`` reports each event and carries out the action that comes back. All decisions about the connection's
/// life are made here, in one table: the phases across, the events down. An arrow is the next phase; a dash ignores the
/// event; `close` always leads to `closed`.
///
///     event           idle           header         body           handling       writing         lingering   closed
///     readable        read¹          read¹          read¹          read¹          read¹           discard     –
///     received        parse          parse          parse          –              –               – / close²  –
///     inputEnded      close          close          close          close          stopReading     close       –
///     broken          close          close          close          close          close           close       –
///     requestBegan    → header       –              –              –              –               –           –
///     contentFollows  –              → body         –              –              –               –           –
///     requestReady    –              handle³        handle³        –              –               –           –
///     answer          –              write⁴         write⁴         write⁴         –               –           –
///     sent            –              –              –              –              –⁵              –           –
///     written         –              –              –              –              see Ending      –           –
///     blocked         awaitWritable  awaitWritable  awaitWritable  awaitWritable  awaitWritable⁶  –           –
///     turnSpent       yield          yield          yield          –              –               –           –
///     turnCame        resume⁷        resume⁷        resume⁷        –              resume⁷         resume⁷     –
///     starved         – / close⁸     – / close⁸     – / close⁸     –              –               –           –
///     drain           → idle⁹        –⁹             –⁹             –⁹             –⁹              –⁹          –
///     evict           close¹⁰        refuse         refuse¹¹       keep           close¹¹         close       –
///     reclaimMemory   –              –              refuse         –              –               –           –
///     deadline¹²      close¹⁰        refuse         refuse         –              close           close       –
///
/// 1. While the input is open; else the event is ignored.
/// 2. After more bytes than twice the largest body.
/// 3. → handling.
/// 4. → writing.
/// 5. Progress, which moves the deadline, as `received` does in body.
/// 6. close where the ending is `close`.
/// 7. If the connection has yielded; else the event is ignored.
/// 8. close if the client has ended its stream, so that the rest of a request cannot come, and the connection has not
///    yielded.
/// 9. From then on every idle phase lasts for the grace period of draining.
/// 10. If the connection has yielded, a request waits: `evict` is answered with keep, `deadline` starts the phase anew.
/// 11. If the transfer is behind, see ``ConnectionClock/isBehind(now:)``; else keep.
/// 12. Before the deadline: checkDeadline, in every phase that has one.
struct ConnectionState {
    /// What happened.
    enum Event: Equatable {
        /// The socket has bytes, the end of the stream or an error to read.
        case readable
        /// This many bytes have been read.
        case received(Int)
        /// The client has ended its stream. Before an answer this means that it has hung up; once an answer has begun
        /// it may still read.
        case inputEnded
        /// The socket has failed, or the server ends the connection.
        case broken
        /// The first byte of a request has been read.
        case requestBegan
        /// The head is whole, and content follows.
        case contentFollows
        /// The handler has all that it needs.
        case requestReady
        /// An answer is ready to be sent; the ending says how the connection goes on after it.
        case answer(Ending)
        /// This many bytes have been handed to the kernel.
        case sent(Int)
        /// Everything has been handed to the kernel.
        case written
        /// The kernel takes no more bytes for now.
        case blocked
        /// The connection has parsed its share and has to yield to others.
        case turnSpent
        /// The other connections were served after ``Action/yield``.
        case turnCame
        /// All that was received has been parsed.
        case starved
        /// The server shuts down gracefully.
        case drain
        /// Another connection needs this one's place.
        case evict
        /// Other bodies need the memory of this one's body.
        case reclaimMemory
        /// The time that was set for ``ConnectionClock/deadline(_:)`` has passed.
        case deadline
    }

    /// What the connection is to do.
    enum Action: Equatable {
        /// Nothing.
        case none
        /// Read from the socket.
        case read
        /// Read from the socket and drop the bytes.
        case discard
        /// Parse what was received.
        case parse
        /// Read no more.
        case stopReading
        /// Run the handler.
        case handle
        /// Send the answer.
        case write
        /// Wait until the kernel takes bytes again.
        case awaitWritable
        /// Read the next request.
        case readNext
        /// End this side's stream, and discard what the client still sends.
        case linger
        /// Yield to the other connections; ``Event/turnCame`` follows.
        case yield
        /// Read and parse again after a yield.
        case resume
        /// Answer the request with an error for this reason.
        case refuse(Slowness)
        /// Tell the registry that this connection keeps its place.
        case keep
        /// Set the timer again: the deadline has moved.
        case checkDeadline
        /// Close the socket; a request that is under way is over.
        case close
    }

    /// What follows an answer's last byte.
    enum Ending: Equatable, CaseIterable {
        /// The next request: `readNext` → idle.
        case keepAlive
        /// The request has been read whole, so that only the client's closing is waited for: `linger` → lingering, 1 s
        /// at most.
        case lingerBriefly
        /// The rest of the request may still come: `linger` → lingering.
        case linger
        /// Nothing, and the client is not waited for either: `close`.
        case close
    }

    /// Why a request counts as too slow.
    enum Slowness: Equatable {
        /// The header timeout is over.
        case header
        /// No byte of the body came for the body timeout.
        case bodyPaused
        /// The body has fallen below the lowest rate.
        case bodyRate
        /// It was evicted.
        case evicted
    }

    /// What can still be read from the client.
    enum Input: Equatable, CaseIterable {
        /// The socket is read.
        case open
        /// The connection has yielded. What was received waits, and the socket is not read until ``Event/turnCame``.
        case yielded
        /// The client has ended its stream; only what was received before is still parsed.
        case ended
        /// The connection has yielded, and the client has ended its stream.
        case endedAndYielded

        var hasEnded: Bool { self == .ended || self == .endedAndYielded }
        var hasYielded: Bool { self == .yielded || self == .endedAndYielded }
    }

    /// The phase, and until when it may last.
    private(set) var clock: ConnectionClock
    private(set) var input = Input.open
    /// What follows the answer that is being written.
    private(set) var ending = Ending.keepAlive
    /// Whether the server shuts down gracefully.
    private(set) var isDraining = false
    /// Whether a byte of a request has ever come.
    private(set) var hasBegun = false
    /// Changes whenever the clock does: the order of eviction and the deadline then have to be updated.
    private(set) var revision = 0
    /// How many bytes are still discarded before a lingering connection closes.
    private var lingerBudget = 0

    /// A connection whose client has not sent anything yet.
    init(idle timeout: Duration, now: ContinuousClock.Instant) {
        clock = ConnectionClock(idle: timeout, now: now)
    }

    /// What the connection does now.
    var phase: ConnectionClock.Phase { clock.phase }

    /// Whether it waits for the next request.
    var isIdle: Bool { if case .idle = phase { true } else { false } }

    /// Whether it reads a request or waits for one, so that what was received is parsed.
    var isReadingRequest: Bool {
        switch phase {
        case .idle, .header, .body: true
        case .handling, .writing, .lingering, .closed: false
        }
    }

    /// Whether the socket is read. While a request is handled or answered this notices a client that hangs up.
    var isReadingSocket: Bool {
        switch phase {
        case .idle, .header, .body, .handling, .writing: input == .open
        case .lingering, .closed: false
        }
    }

    /// Whether the deadline has passed.
    func isOverdue(_ options: ServerOptions, now: ContinuousClock.Instant) -> Bool {
        clock.deadline(options).map { $0 <= now } ?? false
    }

    /// Makes the transition for an event.
    ///
    /// - Parameter now: the time, evaluated only if it matters.
    /// - Returns: what the connection is to do.
    mutating func on(
        _ event: Event, _ options: ServerOptions, now: @autoclosure () -> ContinuousClock.Instant
    ) -> Action {
        switch event {
        case .readable:
            if case .lingering = phase { return .discard }
            return isReadingSocket ? .read : .none
        case .received(let count): return received(count, now)
        case .inputEnded:
            guard phase == .writing else { return close(now) }
            input = .ended
            return .stopReading
        case .broken: return close(now)

        case .requestBegan:
            guard isIdle else { return .none }
            hasBegun = true
            return enter(.header, now, .none)
        case .contentFollows:
            guard phase == .header else { return .none }
            return enter(.body, now, .none)
        case .requestReady:
            guard phase == .header || phase == .body else { return .none }
            return enter(.handling, now, .handle)

        case .answer(let ending):
            guard phase == .header || phase == .body || phase == .handling else { return .none }
            self.ending = ending
            return enter(.writing, now, .write)
        case .sent(let count):
            if phase == .writing { progress(count, now) }
            return .none
        case .written: return phase == .writing ? end(options, now) : .none
        case .blocked:
            switch phase {
            case .writing where ending == .close: return close(now)
            case .idle, .header, .body, .handling, .writing: return .awaitWritable
            case .lingering, .closed: return .none
            }

        case .turnSpent:
            guard isReadingRequest else { return .none }
            input = input.hasEnded ? .endedAndYielded : .yielded
            return .yield
        case .turnCame:
            guard input.hasYielded, phase != .closed else { return .none }
            input = input.hasEnded ? .ended : .open
            return .resume
        case .starved: return isReadingRequest && input == .ended ? close(now) : .none

        case .drain:
            guard phase != .closed else { return .none }
            isDraining = true
            return isIdle ? enter(.idle(options.drainGrace), now, .none) : .none
        case .evict: return evict(now)
        case .reclaimMemory: return phase == .body ? .refuse(.evicted) : .none
        case .deadline: return deadline(options, now())
        }
    }

    private mutating func received(_ count: Int, _ now: () -> ContinuousClock.Instant) -> Action {
        switch phase {
        case .idle, .header: return .parse
        case .body:
            progress(count, now)
            return .parse
        case .handling, .writing, .closed: return .none
        case .lingering:
            lingerBudget -= count
            return lingerBudget < 0 ? close(now) : .none
        }
    }

    /// What follows the answer.
    private mutating func end(_ options: ServerOptions, _ now: () -> ContinuousClock.Instant) -> Action {
        switch ending {
        case .keepAlive: return enter(.idle(isDraining ? options.drainGrace : options.idleTimeout), now, .readNext)
        case .close: return close(now)
        case .lingerBriefly, .linger:
            // Twice the largest body: a client just past that limit that reads nothing until it has sent everything can
            // still read the answer.
            lingerBudget = min(options.maxBodyBytes, Int.max / 2) * 2
            let limit = options.lingerTimeout
            return enter(.lingering(ending == .linger ? limit : min(limit, .seconds(1))), now, .linger)
        }
    }

    private mutating func evict(_ now: () -> ContinuousClock.Instant) -> Action {
        switch phase {
        case .idle: return input.hasYielded ? .keep : close(now)
        case .header: return .refuse(.evicted)
        case .body: return clock.isBehind(now: now()) ? .refuse(.evicted) : .keep
        case .handling: return .keep
        case .writing: return clock.isBehind(now: now()) ? close(now) : .keep
        case .lingering: return close(now)
        case .closed: return .none
        }
    }

    private mutating func deadline(_ options: ServerOptions, _ now: ContinuousClock.Instant) -> Action {
        guard let deadline = clock.deadline(options) else { return .none }
        guard deadline <= now else { return .checkDeadline }
        switch phase {
        // The request arrived in time: it waits only because the connection has yielded.
        case .idle where input.hasYielded: return enter(phase, { now }, .none)
        case .header: return .refuse(.header)
        case .body: return .refuse(clock.hasPaused(options.bodyTimeout, now: now) ? .bodyPaused : .bodyRate)
        case .idle, .writing, .lingering: return close { now }
        case .handling, .closed: return .none
        }
    }

    private mutating func enter(
        _ phase: ConnectionClock.Phase, _ now: () -> ContinuousClock.Instant, _ action: Action
    ) -> Action {
        clock.enter(phase, now: now())
        revision &+= 1
        return action
    }

    private mutating func progress(_ count: Int, _ now: () -> ContinuousClock.Instant) {
        clock.progress(count, now: now())
        revision &+= 1
    }

    private mutating func close(_ now: () -> ContinuousClock.Instant) -> Action {
        phase == .closed ? .none : enter(.closed, now, .close)
    }
}
