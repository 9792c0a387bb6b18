import Dispatch
import HTTPTypes
import Logging
import Synchronization
import TestSupport
import Testing

@testable import HTTPServer

/// A server on a free port with a few routes, and a record of what it told its observer.
final class TestServer: Sendable {
    let server: SocketServer
    let address: SocketAddress
    let observer = Recorder()
    let gate = Gate()
    let block = Block()

    /// Holds the thread of a connection, which serves nobody else meanwhile.
    final class Block: Sendable {
        private let begun = DispatchSemaphore(value: 0)
        private let end = DispatchSemaphore(value: 0)

        func hold() {
            begun.signal()
            end.wait()
        }

        /// Waits until a thread is held.
        func wait() async {
            await withCheckedContinuation { continuation in
                DispatchQueue.global().async { [self] in
                    begun.wait()
                    continuation.resume()
                }
            }
        }

        func release() { end.signal() }
    }

    /// Counts connections and keeps records.
    final class Recorder: ServerObserver {
        struct State {
            var opened = 0
            var closed = 0
            var records: [RequestRecord] = []
            var waiters: [(@Sendable (State) -> Bool, CheckedContinuation<State, Never>)] = []
        }
        private let state = Mutex(State())

        func connectionOpened() { change { $0.opened += 1 } }
        func connectionClosed() { change { $0.closed += 1 } }
        func requestCompleted(_ record: RequestRecord) { change { $0.records.append(record) } }

        /// How many requests were answered or refused so far.
        var recordCount: Int { state.withLock { $0.records.count } }

        /// Waits until the state is as wanted.
        @discardableResult
        func wait(until isWanted: @escaping @Sendable (State) -> Bool) async -> State {
            await withCheckedContinuation { continuation in
                let now: State? = state.withLock { state in
                    if isWanted(state) { return state }
                    state.waiters.append((isWanted, continuation))
                    return nil
                }
                if let now { continuation.resume(returning: now) }
            }
        }

        private func change(_ change: (inout State) -> Void) {
            let (state, ready) = state.withLock { state in
                change(&state)
                let now = state
                let ready = now.waiters.filter { $0.0(now) }
                state.waiters = now.waiters.filter { !$0.0(now) }
                return (now, ready)
            }
            for (_, continuation) in ready { continuation.resume(returning: state) }
        }
    }

    /// Holds handlers back until it is opened, and tells how they came through.
    final class Gate: Sendable {
        struct State {
            var isOpen = false
            var entered = 0
            var cancelled = 0
            var waiting: [CheckedContinuation<Void, Never>] = []
            var watching: [(@Sendable (State) -> Bool, CheckedContinuation<Void, Never>)] = []
        }
        private let state = Mutex(State())

        func pass() async {
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    change { state in
                        state.entered += 1
                        if state.isOpen || Task.isCancelled { return [continuation] }
                        state.waiting.append(continuation)
                        return []
                    }
                }
            } onCancel: {
                change { state in
                    state.cancelled += 1
                    defer { state.waiting = [] }
                    return state.waiting
                }
            }
        }

        func open() {
            change { state in
                state.isOpen = true
                defer { state.waiting = [] }
                return state.waiting
            }
        }

        func wait(until isWanted: @escaping @Sendable (State) -> Bool) async {
            await withCheckedContinuation { continuation in
                change { state in
                    if isWanted(state) { return [continuation] }
                    state.watching.append((isWanted, continuation))
                    return []
                }
            }
        }

        private func change(_ change: (inout State) -> [CheckedContinuation<Void, Never>]) {
            let resumed = state.withLock { state in
                var resumed = change(&state)
                let now = state
                resumed += now.watching.filter { $0.0(now) }.map(\.1)
                state.watching = now.watching.filter { !$0.0(now) }
                return resumed
            }
            for continuation in resumed { continuation.resume() }
        }
    }

    init(_ edit: (inout ServerOptions) -> Void = { _ in }) throws {
        try #require(PollerKind.underTest != .auto, "the suite lacks the trait .everyPoller")
        var options = ServerOptions()
        options.port = 0
        options.poller = .underTest
        options.lingerTimeout = .milliseconds(300)
        options.drainGrace = .milliseconds(20)
        edit(&options)

        let (gate, block) = (gate, block)
        var router = Router()
        router.on(.get, "/hello") { request in
            var response = Response.text("hello \(request.query["name"] ?? request.id)")
            response.annotations = { ["batch": "3"] }
            return response
        }
        router.on(.post, "/echo", readsBody: true) { request in
            switch request.body {
            case .bytes(let bytes): return Response(body: bytes)
            case .multipart(let parts):
                return .text(parts.map { "\($0.name ?? "-")=\($0.bytes.count)" }.joined(separator: ","))
            }
        }
        router.on(.post, "/duration", readsBody: true) { request in
            .text("\(request.startedAt.duration(to: request.receivedAt) / .milliseconds(1))")
        }
        router.on(.post, "/ignore") { request in .text("ignored \(request.body.byteCount)") }
        router.on(.get, "/gate/{name}") { request in
            await gate.pass()
            return .text("passed \(request.pathParameters["name"] ?? "")")
        }
        router.on(.get, "/block") { _ in
            block.hold()
            return .text("released")
        }
        // Goes on when the client hangs up.
        router.on(.post, "/stubborn", readsBody: true) { _ in
            await Task { await gate.pass() }.value
            return .text("passed")
        }
        router.on(.get, "/large") { _ in Response(body: [UInt8](repeating: 65, count: 32 << 20)) }
        server = SocketServer(
            options: options, router: router, observer: observer,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        address = try server.start()
    }

    /// A client that keeps the server alive.
    ///
    /// - Parameter source: the address that it comes from.
    func client(from source: String? = nil) -> TestClient {
        TestClient(port: address.port, source: source, server: self)
    }
}
