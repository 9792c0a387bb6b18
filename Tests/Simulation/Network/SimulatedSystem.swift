import Glibc
@testable import HTTPServer

/// The operating system of a simulated server: sockets that are queues of bytes, virtual time, and faults.
final class SimulatedSystem: ServerSystem, @unchecked Sendable {  // guard: one thread runs at a time
    /// What a descriptor stands for.
    private enum Descriptor {
        case listener, spare
        case stream(Stream)
    }

    /// How likely and how large things are that depend on chance.
    struct Conditions {
        /// Descriptors of the process; accept fails with EMFILE beyond.
        var maxDescriptors = 1024
        /// A read or a write transfers fewer bytes than it could, so many times out of a hundred.
        var shortTransfers = 10
        /// The time that bytes take from one side to the other. Units: nanoseconds.
        var latency = Int.microseconds(20)...Int.microseconds(400)
        /// A reset of a connection by something in between, so many times out of 100,000 deliveries.
        var resets = 0
        /// An event loop stands still for a while, so many times out of 10,000 turns.
        var stalls = 0
    }

    let scheduler: Scheduler
    let conditions: Conditions
    private let checks: Checks
    private var descriptors: [Descriptor?] = [nil, nil, nil]
    private var openCount = 3
    private var backlog: [Stream] = []
    private var nextID: UInt64
    private(set) var pollers: [SimulatedPoller] = []
    private(set) var streams: [Stream] = []
    private var listenerDescriptor: Int32?

    init(_ scheduler: Scheduler, conditions: Conditions, checks: Checks) {
        self.scheduler = scheduler
        self.conditions = conditions
        self.checks = checks
        nextID = scheduler.random.next()
    }

    // MARK: The server's side

    var now: ContinuousClock.Instant { scheduler.now }

    var wallTime: Int { 1_800_000_000 + scheduler.time / .seconds(1) }

    func makeRequestID() -> String {
        nextID &+= 1
        return "server-\(nextID)"
    }

    func makePoller(name: String) throws(SocketError) -> any Poller {
        let poller = SimulatedPoller(self)
        pollers.append(poller)
        return poller
    }

    func listen(_ options: ServerOptions) throws(SocketError) -> (descriptor: Int32, address: SocketAddress) {
        let descriptor = open(.listener)
        listenerDescriptor = descriptor
        return (descriptor, SocketAddress(host: options.host, port: options.port))
    }

    /// The lowest free number, as Unix gives it: a number that was just closed is soon another connection's.
    private func open(_ new: Descriptor) -> Int32 {
        guard openCount < conditions.maxDescriptors else { return -1 }
        openCount += 1
        if let free = descriptors.indices.dropFirst(3).first(where: { descriptors[$0] == nil }) {
            descriptors[free] = new
            return Int32(free)
        }
        descriptors.append(new)
        return Int32(descriptors.count - 1)
    }

    private func stream(_ descriptor: Int32, _ call: String) -> Stream? {
        guard descriptors.indices.contains(Int(descriptor)), case .stream(let stream) = descriptors[Int(descriptor)]
        else {
            checks.fail("\(call) of descriptor \(descriptor), which is no connection")
            return nil
        }
        return stream
    }

    func openSpare() -> Int32 { open(.spare) }

    func accept(_ listener: Int32) -> Result<Socket.Client, Socket.AcceptFailure> {
        guard let stream = backlog.first else { return .failure(.init(code: EAGAIN)) }
        let descriptor = open(.stream(stream))
        guard descriptor >= 0 else { return .failure(.init(code: EMFILE)) }
        backlog.removeFirst()
        stream.descriptor = descriptor
        checks.note(stream, "accepted", UInt64(descriptor))
        return .success(Socket.Client(descriptor: descriptor, host: stream.address))
    }

    /// How much of `count` bytes a call transfers.
    private func share(of count: Int) -> Int {
        count > 1 && scheduler.chance(conditions.shortTransfers, in: 100) ? scheduler.pick(1...count) : count
    }

    func read(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) -> Socket.Outcome {
        guard let stream = stream(descriptor, "read"), !stream.isReset else { return .failed }
        guard !stream.incoming.isEmpty else { return stream.hasIncomingEnded ? .end : .wouldBlock }
        let wasFull = stream.incoming.count == stream.incomingCapacity
        let count = stream.incoming.read(into: buffer, atMost: share(of: min(stream.incoming.count, buffer.count)))
        stream.readCount += count
        stream.lastRead = scheduler.time
        if wasFull { deliver(stream) }
        return count > 0 ? .bytes(count) : .wouldBlock
    }

    func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, more: Bool) -> Socket.Outcome {
        guard let stream = stream(descriptor, "write"), !stream.isReset else { return .failed }
        if stream.hasOutgoingEnded { checks.fail("connection \(stream.number) is written to after its end") }
        let room = min(bytes.count, stream.outgoingCapacity - stream.outgoing.count)
        guard room > 0 else { return .wouldBlock }
        // A kernel takes a few packets at once if nothing waits.
        let count = max(share(of: room), stream.outgoing.isEmpty ? min(room, 2048) : 1)
        let written = UnsafeRawBufferPointer(rebasing: bytes[..<count])
        stream.outgoing.append(written)
        stream.noteWrite(bytes, at: scheduler.time)
        checks.note(stream, "written", bytes: written)
        tellClient(stream)
        return .bytes(count)
    }

    func endWriting(_ descriptor: Int32) {
        guard let stream = stream(descriptor, "shutdown") else { return }
        stream.hasOutgoingEnded = true
        tellClient(stream)
        changed(stream)
    }

    func close(_ descriptor: Int32) {
        let index = Int(descriptor)
        guard descriptors.indices.contains(index), let open = descriptors[index] else {
            return checks.fail("descriptor \(descriptor) is closed twice")
        }
        descriptors[index] = nil
        openCount -= 1
        switch open {
        case .stream(let stream):
            checks.note(stream, "closed", UInt64(stream.readCount))
            stream.descriptor = nil
            stream.isClosedByServer = true
            stream.hasOutgoingEnded = true
            // The kernel answers bytes that nobody will read with a reset, and that may overtake an answer.
            if !stream.incoming.isEmpty || !stream.onTheWay.isEmpty { reset(stream) }
            tellClient(stream)
        case .listener:
            for stream in backlog {
                stream.isClosedByServer = true
                stream.isResetByServer = true
                tellClient(stream)
            }
            backlog = []
            listenerDescriptor = nil
        case .spare: break
        }
    }

    /// Bytes came for a socket that is closed: the client's kernel drops what the client has not read.
    private func reset(_ stream: Stream) {
        scheduler.after(scheduler.pick(conditions.latency)) { [self] in
            stream.isResetByServer = true
            if !stream.outgoing.isEmpty { stream.hasLostAnswer = true }
            stream.outgoing.removeAll()
            tellClient(stream)
        }
    }

    // MARK: Readiness

    /// What a descriptor is ready for now.
    func readiness(_ descriptor: Int32) -> Readiness {
        guard descriptors.indices.contains(Int(descriptor)), let open = descriptors[Int(descriptor)] else {
            checks.fail("descriptor \(descriptor) is watched, but closed")
            return []
        }
        switch open {
        case .listener: return backlog.isEmpty ? [] : .reading
        case .spare: return []
        case .stream(let stream):
            if stream.isReset || (stream.hasIncomingEnded && stream.hasOutgoingEnded) {
                return [.reading, .writing, .broken]
            }
            var readiness: Readiness = []
            if !stream.incoming.isEmpty || stream.hasIncomingEnded { readiness.insert(.reading) }
            if stream.outgoing.count < stream.outgoingCapacity { readiness.insert(.writing) }
            return readiness
        }
    }

    /// Something has changed that the server's loop may be waiting for.
    private func changed(_ stream: Stream) {
        guard let descriptor = stream.descriptor else { return }
        for poller in pollers { poller.changed(descriptor) }
    }

    // MARK: The client's side

    /// A client connects.
    func connect(from address: String) -> Stream {
        let stream = Stream(
            number: streams.count, address: address,
            incomingCapacity: scheduler.pickMagnitude(2048...(256 << 10)),
            outgoingCapacity: scheduler.pickMagnitude(2048...(64 << 10)))
        streams.append(stream)
        scheduler.after(scheduler.pick(conditions.latency)) { [self] in
            guard let listenerDescriptor else {
                stream.isClosedByServer = true
                stream.isResetByServer = true
                return tellClient(stream)
            }
            backlog.append(stream)
            for poller in pollers { poller.changed(listenerDescriptor) }
        }
        return stream
    }

    /// A client sends bytes.
    func send(_ bytes: [UInt8], on stream: Stream) {
        stream.onTheWay += bytes
        scheduler.after(scheduler.pick(conditions.latency)) { [self] in deliver(stream) }
    }

    /// A client ends its stream; it still reads.
    func end(_ stream: Stream) {
        stream.isEndOnTheWay = true
        scheduler.after(scheduler.pick(conditions.latency)) { [self] in deliver(stream) }
    }

    /// A client resets the connection.
    func abort(_ stream: Stream) {
        stream.hasFault = true
        scheduler.after(scheduler.pick(conditions.latency)) { [self] in
            stream.isReset = true
            stream.incoming.removeAll()
            changed(stream)
        }
    }

    /// Bytes that are on the way arrive, perhaps not all at once.
    private func deliver(_ stream: Stream) {
        if stream.isClosedByServer {
            if !stream.onTheWay.isEmpty { reset(stream) }
            stream.onTheWay = []
            return
        }
        if conditions.resets > 0, scheduler.chance(conditions.resets, in: 100_000) { return breakDown(stream) }
        let piece = scheduler.chance(1, in: 4) ? scheduler.pickMagnitude(1...(16 << 10)) : .max
        if stream.arrive(atMost: piece) { changed(stream) }
        if !stream.onTheWay.isEmpty, stream.incoming.count < stream.incomingCapacity {
            scheduler.after(scheduler.pick(conditions.latency)) { [self] in deliver(stream) }
        }
    }

    /// Something between the two has reset the connection.
    private func breakDown(_ stream: Stream) {
        stream.hasFault = true
        stream.isReset = true
        stream.isResetByServer = true
        stream.incoming.removeAll()
        stream.outgoing.removeAll()
        changed(stream)
        tellClient(stream)
    }

    /// A client reads what has come.
    func receive(_ stream: Stream, atMost limit: Int = .max) -> [UInt8] {
        let wasFull = stream.outgoing.count == stream.outgoingCapacity
        let bytes = stream.outgoing.take(atMost: limit)
        if wasFull, !bytes.isEmpty { scheduler.after(scheduler.pick(conditions.latency)) { [self] in changed(stream) } }
        return bytes
    }

    private func tellClient(_ stream: Stream) {
        guard !stream.isChangeNoted else { return }
        stream.isChangeNoted = true
        scheduler.after(scheduler.pick(conditions.latency)) {
            stream.isChangeNoted = false
            stream.onChange()
        }
    }

    // MARK: At the end

    /// The descriptors that are open.
    var openDescriptors: [Int] { descriptors.indices.filter { descriptors[$0] != nil } }
}
