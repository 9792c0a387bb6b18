import Foundation
import Synchronization
import TestSupport
import Testing

@testable import HTTPServer

@Suite(.timeLimit(.minutes(1)), .everyPoller) struct EventLoopTests {
    /// What a watch told, in order.
    private final class Notes: SocketWatcher, Sendable {
        private let notes = Mutex<[String]>([])
        private let answer: @Sendable (String) -> Void

        init(answer: @escaping @Sendable (String) -> Void = { _ in }) { self.answer = answer }

        var texts: [String] { notes.withLock { $0 } }

        func note(_ text: String) {
            notes.withLock { $0.append(text) }
            answer(text)
        }

        func ready(_ readiness: Readiness) {
            let words = [
                readiness.contains(.reading) ? "reading" : nil, readiness.contains(.writing) ? "writing" : nil,
                readiness.contains(.broken) ? "broken" : nil,
            ]
            note(words.compactMap(\.self).joined(separator: " "))
        }

        func deadlinePassed() { note("deadline") }
    }

    /// What is touched on a loop's thread only.
    private final class Confined<T>: @unchecked Sendable {  // guard: touched on the loop's thread only
        var value: T
        init(_ value: T) { self.value = value }
    }

    /// Two sockets that are connected with each other.
    private static func pair() -> (ours: Int32, theirs: Int32) {
        var descriptors: [Int32] = [0, 0]
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        #expect(socketpair(AF_UNIX, type, 0, &descriptors) == 0)
        return (descriptors[0], descriptors[1])
    }

    /// Does something on a loop's thread, and waits until it is done.
    private func on<T: Sendable>(_ loop: EventLoop, _ work: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            loop.execute { continuation.resume(with: Result { try work() }) }
        }
    }

    /// Lets a loop wait for its sockets once, without waiting.
    private func turn(_ loop: EventLoop) async throws {
        try await on(loop) {}
        try await on(loop) {}
    }

    @Test func `what threads ask for is done on the loop's thread, for each in its order`() async throws {
        let loop = try EventLoop(name: "loop", system: OperatingSystem(poller: .underTest))
        let done = Confined<[[Int]]>(Array(repeating: [], count: 4))
        DispatchQueue.concurrentPerform(iterations: 4) { thread in
            for number in 0..<1000 {
                loop.execute {
                    loop.preconditionIsCurrent()
                    done.value[thread].append(number)
                }
            }
        }
        #expect(try await on(loop) { done.value } == Array(repeating: Array(0..<1000), count: 4))
    }

    @Test func `tasks run on the loop's thread, before and behind what they wait for elsewhere`() async throws {
        let loop = try EventLoop(name: "loop", system: OperatingSystem(poller: .underTest))
        let tasks = (0..<50).map { number in
            Task(executorPreference: loop) {
                loop.preconditionIsCurrent()
                await withCheckedContinuation { continuation in
                    DispatchQueue.global().async { continuation.resume() }
                }
                loop.preconditionIsCurrent()
                await Task.yield()
                loop.preconditionIsCurrent()
                return number
            }
        }
        for (number, task) in tasks.enumerated() { #expect(await task.value == number) }
    }

    @Test func `what a job puts off waits for other jobs' turn, and never before the job's end`() async throws {
        let loop = try EventLoop(name: "loop", system: OperatingSystem(poller: .underTest))
        let order = Confined<[String]>([])
        try await on(loop) {
            loop.execute { order.value.append("put off") }
            order.value.append("job")
        }
        try await turn(loop)
        #expect(try await on(loop) { order.value } == ["job", "put off"])
    }

    @Test func `a socket is watched for what was asked, and told of when it is broken whatever was asked`() async throws
    {
        let loop = try EventLoop(name: "loop", system: OperatingSystem(poller: .underTest))
        let (ours, theirs) = Self.pair()
        let notes = Notes()
        let watch = Confined<SocketWatch?>(nil)
        try await on(loop) { watch.value = try loop.watch(ours, for: .reading, by: notes) }
        try await turn(loop)
        #expect(notes.texts == [])

        try await on(loop) { watch.value?.interest = [.reading, .writing] }
        try await eventually("the watcher is told") { !notes.texts.isEmpty }
        #expect(Set(notes.texts) == ["writing"])

        // Bytes are told of as long as they are there and asked for.
        _ = write(theirs, "x", 1)
        try await eventually("it is told: " + "reading writing") { notes.texts.last == "reading writing" }
        try await on(loop) { watch.value?.interest = [] }
        let count = notes.texts.count
        for _ in 0..<5 { try await turn(loop) }
        #expect(notes.texts.count == count)

        close(theirs)
        try await eventually("it is told: " + "reading writing broken") { notes.texts.last == "reading writing broken" }
        await cancel(watch, on: loop)
        let last = notes.texts.count
        for _ in 0..<5 { try await turn(loop) }
        #expect(notes.texts.count == last)
        close(ours)
    }

    @Test func `a watch that a watcher before it cancels is told nothing any more`() async throws {
        let loop = try EventLoop(name: "loop", system: OperatingSystem(poller: .underTest))
        let watches = Confined<[SocketWatch]>([])
        // Both are ready at once; whoever is told first cancels both.
        let notes = Notes { _ in for watch in watches.value { watch.cancel {} } }
        let pairs = [Self.pair(), Self.pair()]
        for pair in pairs { _ = write(pair.theirs, "x", 1) }
        try await on(loop) {
            for pair in pairs { watches.value.append(try loop.watch(pair.ours, for: .reading, by: notes)) }
        }
        try await eventually("the watcher is told") { !notes.texts.isEmpty }
        for _ in 0..<5 { try await turn(loop) }
        #expect(notes.texts == ["reading"])
        // The watches hold their watcher, which holds them.
        try await on(loop) { watches.value = [] }
        for pair in pairs { for socket in [pair.ours, pair.theirs] { close(socket) } }
    }

    @Test func `deadlines pass in their order, only the last that was set, and once`() async throws {
        let loop = try EventLoop(name: "loop", system: OperatingSystem(poller: .underTest))
        let (ours, theirs) = Self.pair()
        let sockets = [ours, theirs, dup(ours)]
        let order = Notes()
        let watches = Confined<[SocketWatch]>([])
        let watchers = (0..<3).map { number in Notes { _ in order.note("\(number)") } }
        let now = ContinuousClock.now
        try await on(loop) {
            for (socket, watcher) in zip(sockets, watchers) {
                watches.value.append(try loop.watch(socket, for: [], by: watcher))
            }
            watches.value[0].deadline = now + .milliseconds(1)
            watches.value[1].deadline = now + .milliseconds(20)
            watches.value[2].deadline = now + .milliseconds(10)
            watches.value[0].deadline = now + .milliseconds(30)
        }
        try await eventually("three deadlines pass") { order.texts.count == 3 }
        #expect(order.texts == ["2", "1", "0"])
        #expect(ContinuousClock.now - now >= .milliseconds(30))

        try await on(loop) {
            watches.value[0].deadline = .now + .milliseconds(1)
            watches.value[1].deadline = .now + .milliseconds(2)
            watches.value[0].cancel {}
        }
        try await eventually("a fourth deadline passes") { order.texts.count >= 4 }
        #expect(order.texts.last == "1")
        #expect(try await on(loop) { watches.value.allSatisfy { $0.deadline == nil } })
        try await on(loop) { for watch in watches.value { watch.cancel {} } }
        for socket in sockets { close(socket) }
    }

    @Test func `work is delayed as long as was asked, and not done where the loop ends before`() async throws {
        var loop: EventLoop? = try EventLoop(name: "loop", system: OperatingSystem(poller: .underTest))
        let order = Notes()
        let now = ContinuousClock.now
        loop?.execute(after: .milliseconds(20)) { order.note("late") }
        loop?.execute(after: .milliseconds(10)) { order.note("early") }
        try await eventually("both are done") { order.texts.count == 2 }
        #expect(order.texts == ["early", "late"])
        #expect(ContinuousClock.now - now >= .milliseconds(20))

        weak let ended = loop
        loop?.execute(after: .seconds(3600)) { order.note("never") }
        loop = nil
        try await eventually("the loop ends") { ended == nil }
    }

    @Test func `deadlines that nobody has any more are thrown out`() async throws {
        let loop = try EventLoop(name: "loop", system: OperatingSystem(poller: .underTest))
        let (ours, theirs) = Self.pair()
        let watch = Confined<SocketWatch?>(nil)
        try await on(loop) {
            watch.value = try loop.watch(ours, for: .reading, by: Notes())
            let now = ContinuousClock.now
            for number in 0..<10_000 { watch.value?.deadline = now + .seconds(60) + .microseconds(number) }
        }
        #expect(try await on(loop) { loop.deadlineCount } < 100)
        await cancel(watch, on: loop)
        for socket in [ours, theirs] { close(socket) }
    }

    @Test func `a descriptor is let go of once, behind the turn that cancels its watch, and can be watched anew`()
        async throws
    {
        let loop = try EventLoop(name: "loop", system: OperatingSystem(poller: .underTest))
        let (ours, theirs) = Self.pair()
        let notes = Notes()
        let interests: [Readiness] = [[], .reading, .writing, [.reading, .writing]]
        // Also with sources that were never started, or are suspended.
        for first in interests {
            for second in interests {
                let watch = Confined<SocketWatch?>(nil)
                try await on(loop) {
                    watch.value = try loop.watch(ours, for: first, by: notes)
                    watch.value?.interest = second
                }
                try await turn(loop)
                let order = Notes()
                try await on(loop) {
                    watch.value?.cancel { order.note("released") }
                    order.note("cancelled")
                }
                try await eventually("the descriptor is released") { order.texts.count >= 2 }
                #expect(order.texts == ["cancelled", "released"])
            }
        }
        for socket in [ours, theirs] { close(socket) }
    }

    @Test func `a descriptor's number that another socket has now is told of for that one`() async throws {
        let loop = try EventLoop(name: "loop", system: OperatingSystem(poller: .underTest))
        for _ in 0..<200 {
            let (ours, theirs) = Self.pair()
            let notes = Notes()
            let watch = Confined<SocketWatch?>(nil)
            try await on(loop) { watch.value = try loop.watch(ours, for: [.reading, .writing], by: notes) }
            _ = write(theirs, "x", 1)
            try await eventually("it is told") { notes.texts.last == "reading writing" }
            await withCheckedContinuation { continuation in
                loop.execute {
                    watch.value?.cancel {
                        close(ours)
                        continuation.resume()
                    }
                }
            }
            close(theirs)
        }
    }

    @Test func `what was not read is told of again, however often the interest changes meanwhile`() async throws {
        let loop = try EventLoop(name: "loop", system: OperatingSystem(poller: .underTest))
        let (ours, theirs) = Self.pair()
        let notes = Notes()
        let watch = Confined<SocketWatch?>(nil)
        try await on(loop) { watch.value = try loop.watch(ours, for: [], by: notes) }
        _ = write(theirs, "x", 1)
        for _ in 0..<200 {
            try await on(loop) { watch.value?.interest = .reading }
            try await on(loop) { watch.value?.interest = [] }
        }
        let count = notes.texts.count
        try await on(loop) { watch.value?.interest = .reading }
        try await eventually("it is told again") { notes.texts.count > count }
        #expect(Set(notes.texts) == ["reading"])
        await cancel(watch, on: loop)
        for socket in [ours, theirs] { close(socket) }
    }

    /// Cancels a watch, and waits until its descriptor may be closed.
    private func cancel(_ watch: Confined<SocketWatch?>, on loop: EventLoop) async {
        await withCheckedContinuation { continuation in
            loop.execute { watch.value?.cancel { continuation.resume() } }
        }
    }

    @Test func `a thread and its descriptors are gone once nobody holds the loop`() async throws {
        let name = "loop to end"
        weak let watched: EventLoop?
        do {
            let loop = Mutex<EventLoop?>(try EventLoop(name: name, system: OperatingSystem(poller: .underTest)))
            watched = loop.withLock { $0 }
            if PollerKind.underTest == .epoll {
                try await eventually("the thread is there") { Self.threadNames.contains(name) }
            }
            // Also where a turn of its own is the last to let it go.
            loop.withLock { $0 }?.execute { loop.withLock { $0 = nil } }
        }
        try await eventually("the loop is gone") { watched == nil }
        try await eventually("the thread is gone") { !Self.threadNames.contains(name) }
    }

    private static var threadNames: Set<String> {
        let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
        return Set(
            tasks.compactMap { try? String(contentsOfFile: "/proc/self/task/\($0)/comm", encoding: .utf8) }
                .map { $0.trimmingCharacters(in: .newlines) })
    }
}
