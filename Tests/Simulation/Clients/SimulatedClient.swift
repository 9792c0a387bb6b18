@testable import Inference

/// One client's connection: sends requests in its way, and checks every answer.
final class SimulatedClient {
    /// How a client behaves.
    enum Manner: CaseIterable {
        /// Sends a request, waits for the answer, sends the next.
        case polite
        /// Sends several at once.
        case pipelining
        /// Sends a head or a body byte by byte, too slowly.
        case slow
        /// Sends part of a request, then nothing more.
        case stalling
        /// Sends part of a request, then ends its stream.
        case halfClosing
        /// Sends a request, and resets the connection at some time.
        case aborting
        /// Sends what is no request.
        case hostile
        /// Asks, but does not read the answers.
        case deaf
        /// Connects, and sends nothing.
        case silent
    }

    private struct Sent {
        let request: SimulatedRequest
        /// Where it begins and ends in what the client has sent. Units: bytes.
        let range: Range<Int>
        let sentAt: Int
    }

    private let world: World
    let manner: Manner
    let address: String
    private let stream: Stream
    private var reader = AnswerReader()
    /// The requests that are not answered yet, oldest first.
    private var pending: [Sent] = []
    private var sentCount = 0
    /// When the client last sent a request. Units: nanoseconds.
    private var lastSent = 0
    private var hasEnded = false
    /// Whether an answer has said that it is the last one.
    private var isLast = false
    /// Whether the client has ended, reset or left the connection.
    private var hasLeft = false
    /// How many requests the client still wants to send.
    private var wishes: Int
    private let isFast: Bool
    /// Whether all its requests are one small image each.
    private let isSmall: Bool
    private var scheduler: Scheduler { world.scheduler }
    private var checks: Checks { world.checks }

    init(_ world: World, manner: Manner, address: String, wishes: Int, isSmall: Bool) {
        self.world = world
        self.manner = manner
        self.address = address
        self.wishes = wishes
        self.isSmall = isSmall
        isFast = world.scheduler.chance(1, in: 2)
        stream = world.system.connect(from: address)
        stream.onChange = { [unowned self] in changed() }
        scheduler.after(scheduler.pick(0...Int.milliseconds(2))) { [self] in begin() }
    }

    // MARK: Sending

    private func begin() {
        guard !hasEnded else { return }
        switch manner {
        case .polite: sendNext()
        case .pipelining:
            let count = min(wishes, scheduler.pick(2...8))
            wishes = 0
            for _ in 0..<count { send(world.requests.make(isSmall: isSmall)) }
        case .slow: dribble(makeUnfinished().bytes[...])
        case .stalling, .halfClosing:
            let bytes = makeUnfinished().bytes
            world.system.send(Array(bytes.prefix(scheduler.pickMagnitude(1...bytes.count - 1))), on: stream)
            if manner == .halfClosing { leave { world.system.end(stream) } }
            if manner == .stalling { scheduler.after(world.plan.longestStall) { [self] in checkStall() } }
        case .aborting:
            send(world.requests.make())
            scheduler.after(scheduler.pickMagnitude(1000...Int.milliseconds(200))) { [self] in
                guard !hasEnded else { return }
                leave { world.system.abort(stream) }
                end()
            }
        case .hostile:
            send(world.requests.makeGarbage())
        case .deaf:
            for _ in 0..<scheduler.pick(1...30) { send(world.requests.make()) }
        case .silent: break
        }
    }

    /// A request that will not arrive whole, or not in time. Whether the answer has content must not depend on how much of its
    /// first line has arrived.
    private func makeUnfinished() -> SimulatedRequest {
        while true {
            let request = world.requests.make()
            if !request.isHead { return request }
        }
    }

    private func leave(_ how: () -> Void) {
        hasLeft = true
        how()
    }

    private func sendNext() {
        guard !hasEnded, !hasLeft, !isLast else { return }
        guard wishes > 0 else {
            // Some clients close at once, some leave that to the server, some reset.
            switch scheduler.pick(0...3) {
            case 0: break
            case 1: leave { world.system.abort(stream) }
            default: leave { world.system.end(stream) }
            }
            return
        }
        wishes -= 1
        send(world.requests.make(isSmall: isSmall))
    }

    private func send(_ request: SimulatedRequest) {
        pending.append(
            Sent(request: request, range: sentCount..<sentCount + request.bytes.count, sentAt: scheduler.time))
        reader.expectsBody = !(pending[0].request.isHead)
        world.inFlight[address, default: 0] += max(1, request.pictures.count)
        world.peaks[address] = max(world.peaks[address] ?? 0, world.inFlight[address] ?? 0)
        checks.count("requests")
        checks.trace(
            "connection \(stream.number) of \(address), \(manner), sends \(request.id): \(request.bytes.count) bytes, \(request.kind)"
        )
        sentCount += request.bytes.count
        lastSent = scheduler.time
        world.system.send(request.bytes, on: stream)
    }

    /// The server has waited long enough for the rest of a request.
    private func checkStall() {
        guard !hasEnded, stream.readCount > 0, !stream.hasOutgoingEnded else { return }
        fail("part of a request came \(Checks.text(world.plan.longestStall)) ago, and the server still waits")
    }

    /// The server stops since a while: nothing is under way on this connection, so it must be closed.
    func checkDraining(since start: Int) {
        guard manner == .polite || manner == .silent, !hasEnded, !hasLeft, pending.isEmpty, lastSent < start else {
            return
        }
        if stream.descriptor != nil, !stream.hasOutgoingEnded {
            fail("an idle connection is still open while the server stops")
        }
    }

    private func dribble(_ bytes: ArraySlice<UInt8>) {
        guard !hasEnded, !hasLeft, let byte = bytes.first else { return }
        world.system.send([byte], on: stream)
        scheduler.after(scheduler.pick(.milliseconds(1)...world.plan.slowness)) { [self] in dribble(bytes.dropFirst()) }
    }

    // MARK: Receiving

    private func changed() {
        guard !hasEnded else { return }
        if manner == .deaf, stream.outgoing.count > 0 || !stream.isClosedByServer {
            // Reads a little at first, and then no more.
            if stream.isResetByServer || stream.hasOutgoingEnded { end() }
            return
        }
        if isFast || stream.hasOutgoingEnded || stream.isResetByServer {
            read(.max)
        } else {
            read(scheduler.pickMagnitude(64...(16 << 10)))
            if !stream.outgoing.isEmpty { scheduler.after(scheduler.pick(1000...200_000)) { [self] in changed() } }
        }
    }

    private func read(_ limit: Int) {
        reader.append(world.system.receive(stream, atMost: limit))
        while true {
            reader.expectsBody = !(pending.first?.request.isHead ?? false)
            guard let answer = reader.next() else { break }
            take(answer)
        }
        if reader.isBroken { return fail("an answer that cannot be read") }
        if stream.isResetByServer || (stream.hasOutgoingEnded && stream.outgoing.isEmpty) { serverEnded() }
    }

    private func fail(_ sentence: String) {
        checks.fail("connection \(stream.number) of \(address), \(manner): \(sentence)")
        end()
    }

    private func take(_ answer: AnswerReader.Answer) {
        checks.count("answers \(answer.status)")
        if isLast { return fail("another answer, \(answer.status), after the one that says close") }
        if answer.closes { isLast = true }
        switch manner {
        case .slow, .stalling, .halfClosing:
            // What was sent of the request may suffice for an answer, or the server gives up waiting.
            let isRight = answer.closes && (400...599).contains(answer.status)
            let isEarly = answer.status == 200 || answer.status == 204 || (400...599).contains(answer.status)
            if !(manner == .slow ? isEarly : isRight || isEarly) { fail("\(answer.status) to part of a request") }
            if manner == .slow, !answer.closes { end() }
            return
        default: break
        }
        guard let sent = pending.first else {
            // A client that is refused gets an error before it has sent anything.
            if answer.status != 503 || !answer.closes { fail("\(answer.status) to no request") }
            return
        }
        pending.removeFirst()
        defer { world.inFlight[address, default: 0] -= max(1, sent.request.pictures.count) }
        let request = sent.request
        if request.isGarbage {
            let isRight = (400...599).contains(answer.status) && answer.closes
            if !isRight {
                fail(
                    "\(answer.status) to bytes that are no request: \(String(decoding: request.bytes.prefix(60), as: UTF8.self))"
                )
            }
            return
        }
        check(answer, to: sent)
        if manner == .polite {
            let pause = scheduler.chance(1, in: 30) ? world.plan.longPause : Int.milliseconds(2)
            scheduler.after(scheduler.pickMagnitude(1000...max(2000, pause))) { [self] in sendNext() }
        } else if manner == .pipelining, pending.isEmpty, !isLast {
            leave { world.system.end(stream) }
        }
    }

    private func check(_ answer: AnswerReader.Answer, to sent: Sent) {
        let request = sent.request
        // An error that ends the connection may come before the head is whole, and so without the client's own identifier.
        guard answer.id == request.id || (answer.closes && answer.status >= 400 && answer.id.hasPrefix("server-"))
        else {
            return fail("the answer to \(answer.id) instead of \(request.id)")
        }
        if manner == .polite, !stream.isResetByServer, stream.lastRead >= sent.sentAt {
            // From the last byte that the server read to the first that it wrote.
            let duration = stream.firstWrite - stream.lastRead
            checks.expect(
                duration <= world.plan.deadline + world.plan.tick,
                "the answer \(answer.status) to \(request.id) took \(Checks.text(duration)); the deadline is \(Checks.text(world.plan.deadline))"
            )
            checks.expect(
                answer.status != 504 || duration >= world.plan.deadline - .microseconds(10),
                "504 to \(request.id) after \(Checks.text(duration)), before the deadline of \(Checks.text(world.plan.deadline))"
            )
            checks.peak("longest answer", duration)
        }
        switch (request.kind, answer.status) {
        case (_, 408), (_, 503):
            // Evicted, too slow on a line with faults, refused, or the server stops; a prediction may find no model.
            let isPrediction = if case .prediction = request.kind { true } else { false }
            checks.expect(answer.closes || isPrediction, "\(answer.status) to \(request.id) without a close")
        case (.status(let status), _):
            checks.expect(answer.status == status, "\(answer.status) instead of \(status) to \(request.id)")
        case (.prediction(let model, let pictures), 200): check(answer.body, model, pictures, since: sent.sentAt)
        case (.prediction(let model, let pictures), 400...499) where answer.status != 429:
            let isRight =
                pictures.count == 1
                && (pictures[0].isCorrupt || pictures[0].pixelCount > world.plan.settings.images.maxPixels)
            let pixelCount = pictures.reduce(0) { $0 + $1.pixelCount }
            let areTooMany =
                answer.status == 413
                && (pixelCount > world.plan.settings.images.maxPixels
                    || pictures.count > world.plan.settings.batching.queueCapacity)
            let isGone = answer.status == 404 && world.mayBeGone(model, since: sent.sentAt)
            checks.expect(
                isRight || areTooMany || isGone,
                "\(answer.status) to \(request.id): \(String(decoding: answer.body.prefix(200), as: UTF8.self))")
        case (.prediction(_, let pictures), 429):
            // No client is refused that takes at most its fair share of the queue.
            let isModest = isSmall && pictures.count == 1 && (world.peaks[address] ?? 0) <= world.plan.fairShare
            checks.expect(
                !isModest,
                "429 to \(request.id) of \(address), which never had more than \(world.peaks[address] ?? 0) images under way"
            )
        case (.prediction, 504): break
        default: fail("\(answer.status) to \(request.id)")
        }
    }

    /// Checks that each image got its own answer, by a version that was served meanwhile.
    private func check(_ body: [UInt8], _ model: String?, _ pictures: [Picture], since start: Int) {
        let text = String(decoding: body, as: UTF8.self)
        let versions = Self.versions(in: body)
        let isSingle = pictures.count == 1
        // Errors of single images stand in the place of their answers.
        let entries = isSingle ? [text] : Self.entries(text)
        guard entries.count == pictures.count else {
            return fail("\(entries.count) answers to \(pictures.count) images")
        }
        for version in Set(versions) {
            checks.expect(
                world.wasServed(version, model: model, since: start),
                "version \(version), which was not served meanwhile: \(text.prefix(300))")
        }
        for (entry, picture) in zip(entries, pictures) {
            if picture.isCorrupt || picture.pixelCount > world.plan.settings.images.maxPixels {
                checks.expect(
                    entry.contains(#""error""#), "an answer to an image that cannot be read: \(entry.prefix(200))")
                continue
            }
            guard let version = versions.first else { return fail("no version in \(text.prefix(200))") }
            let index = SimulatedComputation.classIndex(
                of: picture.id, by: version, classCount: world.classCount)
            checks.expect(
                entry.contains(#""index":\#(index),"#),
                "another image's answer to image \(picture.id), whose class is \(index): \(entry.prefix(300))")
            checks.count("images")
        }
    }

    /// The values of `"version"`.
    private static func versions(in body: [UInt8]) -> [String] {
        let name = Array(#""version":""#.utf8)
        var versions: [String] = []
        var index = 0
        while index + name.count < body.count {
            guard body[index] == name[0], body[index..<index + name.count].elementsEqual(name) else {
                index += 1
                continue
            }
            let value = body[(index + name.count)...].prefix { $0 != UInt8(ascii: "\"") }
            versions.append(String(decoding: value, as: UTF8.self))
            index = value.endIndex
        }
        return versions
    }

    /// The entries of `{"predictions":[…]}`.
    private static func entries(_ text: String) -> [String] {
        var (depth, entries, entry) = (0, [String](), "")
        for character in text {
            if character == "{" { depth += 1 }
            if depth >= 2 { entry.append(character) }
            if character == "}" {
                depth -= 1
                if depth == 1, !entry.isEmpty {
                    entries.append(entry)
                    entry = ""
                }
            }
        }
        return entries
    }

    // MARK: The end

    /// The server has ended its stream, or the connection is gone.
    private func serverEnded() {
        guard !hasEnded else { return }
        if reader.hasPart, !isLast, !stream.hasFault, !stream.isResetByServer, !world.hasCutConnections {
            return fail("the connection ended in the middle of an answer")
        }
        if let first = pending.first, !isLast { checkUnanswered(first) }
        if !hasLeft, !stream.isResetByServer, !stream.isClosedByServer { world.system.end(stream) }
        end()
    }

    /// Checks that the server had a reason to leave a request without an answer.
    private func checkUnanswered(_ sent: Sent) {
        // The request crossed with the end of an idle connection, or never reached the server.
        let isUnread = stream.readCount <= sent.range.lowerBound
        // A connection that gives way to others is closed at once, and its answer may be lost.
        let hasGivenWay = stream.hasLostAnswer && ([408, 503].contains(stream.lastStatus) || world.plan.isCrowded)
        let isExcused =
            stream.hasFault || hasLeft || world.hasCutConnections || isUnread || manner == .deaf || hasGivenWay
        checks.count(isExcused ? "ended without an answer" : "unanswered")
        checks.expect(
            isExcused,
            "connection \(stream.number) of \(address), \(manner): \(sent.request.id) has no answer; the server had read \(stream.readCount) of \(sent.range), pending \(pending.count), reset \(stream.isResetByServer)"
        )
    }

    private func end() {
        guard !hasEnded else { return }
        hasEnded = true
        for sent in pending { world.inFlight[address, default: 0] -= max(1, sent.request.pictures.count) }
        if !hasLeft, !stream.isClosedByServer { world.system.abort(stream) }
        stream.onChange = {}
        world.ended(self)
    }

    /// The world ends: nothing may be unanswered now.
    func checkAtEnd() {
        guard !hasEnded else { return }
        if manner == .deaf || hasLeft { return end() }
        checks.fail(
            "connection \(stream.number) of \(address), \(manner), has neither an answer nor an end; pending \(pending.map(\.request.id))"
        )
        end()
    }
}
