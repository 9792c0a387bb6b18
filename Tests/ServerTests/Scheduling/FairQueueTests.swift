import Testing

@testable import Server

@Suite(.timeLimit(.minutes(2)))
struct FairQueueTests {
    private final class Version {}

    private let start = ContinuousClock.now
    private let version = Version()
    private typealias Queue = FairQueue<String, Int>
    private let limits = ModelQueue<String, Int>.Limits(capacity: 8, maxBatchSize: 4, maxDelay: .zero)

    /// Gives images places, and a job each with the image's number.
    private func admit(_ count: Int, of model: String, to queue: inout Queue) throws -> [Int] {
        let ids = try queue.admit(Array(repeating: 10, count: count), of: model, limits: limits, now: start).get()
        for id in ids { queue.append(id, for: id, of: model) }
        return ids
    }

    private func makeReady(_ ids: [Int], of model: String, in queue: inout Queue) {
        for id in ids {
            let isReady = queue.makeReady(id, "", of: model, group: ObjectIdentifier(version), now: start)
            #expect(isReady)
        }
    }

    /// Gives images places that need no job.
    @discardableResult
    private func admitReady(_ count: Int, of model: String, to queue: inout Queue) throws -> [Int] {
        let ids = try queue.admit(Array(repeating: 10, count: count), of: model, limits: limits, now: start).get()
        makeReady(ids, of: model, in: &queue)
        return ids
    }

    /// Takes the next job, which takes a millisecond.
    private func runJob(_ queue: inout Queue) throws -> String {
        let next = queue.nextJob(now: start)
        let model = try #require(next).model
        queue.didRun(of: model, for: .milliseconds(1), now: start)
        return model
    }

    /// Runs the next batch at so long an image.
    private func runBatch(_ queue: inout Queue, perImage: Duration) -> String {
        guard case .run(let model, let ids) = queue.action(now: start) else { return "none" }
        _ = queue.take(ids, of: model, now: start)
        queue.didRun(of: model, for: perImage * ids.count, imageCount: ids.count, now: start)
        return "\(model) \(ids.count)"
    }

    @Test func `A model that floods leaves every place of another one free`() throws {
        var queue = Queue(capacity: .init(byteCount: 1000))
        _ = try admit(8, of: "flood", to: &queue)
        #expect(queue.admit([10], of: "flood", limits: limits, now: start) == .failure(.images))
        _ = try admit(8, of: "lone", to: &queue)
        #expect(queue.depth == 16)
        #expect(queue.depth(of: "lone") == 8)
    }

    @Test func `All models together hold as many bytes as may wait, but a model with nothing waiting has one request`()
        throws
    {
        var queue = Queue(capacity: .init(byteCount: 100))
        #expect(try queue.admit([101], of: "large", limits: limits, now: start).get() == [1])
        #expect(queue.admit([1], of: "large", limits: limits, now: start) == .failure(.bytes))
        #expect(try queue.admit([1], of: "other", limits: limits, now: start).get() == [2])
        #expect(queue.admit([1], of: "other", limits: limits, now: start) == .failure(.bytes))
        queue.remove(1, of: "large")
        #expect(try queue.admit([99], of: "other", limits: limits, now: start).get() == [3])
        #expect(queue.admit([1], of: "other", limits: limits, now: start) == .failure(.bytes))
    }

    @Test func `Jobs of a lone request come before most of a flood's, and models that both flood take turns`() throws {
        var queue = Queue(capacity: .init(byteCount: 1000))
        _ = try admit(8, of: "flood", to: &queue)
        #expect(try (0..<3).map { _ in try runJob(&queue) } == ["flood", "flood", "flood"])
        _ = try admit(1, of: "lone", to: &queue)
        #expect(try runJob(&queue) == "lone")
        _ = try admit(4, of: "other", to: &queue)
        #expect(try (0..<4).map { _ in try runJob(&queue) } == ["other", "flood", "other", "flood"])
    }

    @Test func `Time is shared, not turns: a model whose images take ten times as long has a tenth of the images`()
        throws
    {
        var queue = Queue(capacity: .init(byteCount: 1000))
        var counts: [String: Int] = [:]
        var times: [String: Int] = [:]
        for _ in 0..<200 {
            for model in ["slow", "quick"] where queue.depth(of: model) < 4 {
                try admitReady(4, of: model, to: &queue)
            }
            guard case .run(let model, let ids) = queue.action(now: start) else { continue }
            _ = queue.take(ids, of: model, now: start)
            let time = ids.count * (model == "slow" ? 10 : 1)
            queue.didRun(of: model, for: .milliseconds(time), imageCount: ids.count, now: start)
            counts[model, default: 0] += ids.count
            times[model, default: 0] += time
        }
        let ratio = Double(try #require(times["slow"])) / Double(try #require(times["quick"]))
        #expect(0.9...1.1 ~= ratio)
        #expect(try #require(counts["quick"]) > 9 * (try #require(counts["slow"])))
    }

    @Test func `A model that rested has saved no time up`() throws {
        var queue = Queue(capacity: .init(byteCount: 1000))
        _ = try admit(8, of: "busy", to: &queue)
        for _ in 0..<4 { _ = try runJob(&queue) }
        _ = try admit(8, of: "rested", to: &queue)
        #expect(try (0..<6).map { _ in try runJob(&queue) } == ["rested", "busy", "rested", "busy", "rested", "busy"])
    }

    @Test func `One that waits is not overtaken for ever by others that come back again and again`() throws {
        var queue = Queue(capacity: .init(byteCount: 1000))
        let waiting = try admit(1, of: "waiting", to: &queue)
        _ = try runJob(&queue)
        makeReady(waiting, of: "waiting", in: &queue)
        var order: [String] = []
        for turn in 0..<8 where !order.contains("waiting 1") {
            let model = "quick \(turn % 2)"
            try admitReady(1, of: model, to: &queue)
            order.append(runBatch(&queue, perImage: .milliseconds(1)))
        }
        #expect(order.last == "waiting 1")
        #expect(order.count <= 4)
    }

    @Test func `A batch leaves room for a model that was asked within the last second, and no longer`() throws {
        var queue = Queue(capacity: .init(byteCount: 1000))
        try admitReady(8, of: "slow", to: &queue)
        #expect(runBatch(&queue, perImage: .milliseconds(100)) == "slow 4")
        let lone = try admit(1, of: "lone", to: &queue)
        queue.remove(lone[0], of: "lone")
        guard case .run(_, let shared) = queue.action(now: start + .milliseconds(999)),
            case .run(_, let own) = queue.action(now: start + .milliseconds(1000))
        else {
            Issue.record("there is a batch to run")
            return
        }
        #expect(shared.count == 1)
        #expect(own.count == 4)
    }

    @Test func `While another model waits, a batch takes a tenth of a second at most, and an image at least`() throws {
        var queue = Queue(capacity: .init(byteCount: 1000))
        try admitReady(8, of: "slow", to: &queue)
        #expect(runBatch(&queue, perImage: .milliseconds(50)) == "slow 4")
        try admitReady(4, of: "slow", to: &queue)
        let lone = try admit(1, of: "lone", to: &queue)
        #expect(runBatch(&queue, perImage: .milliseconds(200)) == "slow 2")
        #expect(runBatch(&queue, perImage: .milliseconds(200)) == "slow 1")
        #expect(try runJob(&queue) == "lone")
        makeReady(lone, of: "lone", in: &queue)
        #expect(runBatch(&queue, perImage: .milliseconds(1)) == "lone 1")
        #expect(queue.depth == 5)
    }

    @Test func `With a delay the earliest batch is waited for, and one that is due does not wait for others`() throws {
        var queue = Queue(capacity: .init(byteCount: 1000))
        let patient = ModelQueue<String, Int>.Limits(capacity: 8, maxBatchSize: 4, maxDelay: .milliseconds(5))
        let ids = try queue.admit([10], of: "patient", limits: patient, now: start).get()
        #expect(queue.action(now: start) == .idle)
        makeReady(ids, of: "patient", in: &queue)
        #expect(queue.action(now: start) == .wait(until: start + .milliseconds(5)))
        let others = try queue.admit([10], of: "other", limits: limits, now: start).get()
        makeReady(others, of: "other", in: &queue)
        #expect(queue.action(now: start) == .run(model: "other", others))
    }

    @Test func `A batch waits while images of its own model are decoded, and for no other's; a whole one for none`()
        throws
    {
        var queue = Queue(capacity: .init(byteCount: 1000))
        let ids = try admit(5, of: "a", to: &queue)
        #expect(try runJob(&queue) == "a")
        makeReady([ids[0]], of: "a", in: &queue)
        #expect(queue.action(now: start) == .wait(until: start + CoalescingDelay.longest))
        #expect(queue.action(now: start + CoalescingDelay.longest) == .run(model: "a", [ids[0]]))
        makeReady(Array(ids[1..<4]), of: "a", in: &queue)
        #expect(queue.action(now: start) == .run(model: "a", Array(ids[..<4])))
        _ = queue.take(Array(ids[..<4]), of: "a", now: start)
        queue.didRun(of: "a", for: .milliseconds(4), imageCount: 4, now: start)
        for _ in 0..<4 { #expect(try runJob(&queue) == "a") }
        _ = try admit(1, of: "b", to: &queue)
        makeReady([ids[4]], of: "a", in: &queue)
        #expect(queue.action(now: start) == .run(model: "a", [ids[4]]))
    }

    @Test func `A batch waits a little for the last image that a thread decodes; who hangs up is waited for no more`()
        throws
    {
        var queue = Queue(capacity: .init(byteCount: 1000))
        try admitReady(2, of: "a", to: &queue)
        #expect(runBatch(&queue, perImage: .milliseconds(8)) == "a 2")
        let ids = try admit(3, of: "a", to: &queue)
        let first = queue.nextJob(now: start)
        #expect(first?.isLast == false)
        makeReady([ids[0]], of: "a", in: &queue)
        queue.didRun(of: "a", for: .milliseconds(1), now: start)
        let second = queue.nextJob(now: start + .milliseconds(2))
        #expect(second?.isLast == false)
        #expect(queue.action(now: start) == .wait(until: start + CoalescingDelay.longest))
        queue.remove(ids[2], of: "a")
        #expect(queue.action(now: start) == .wait(until: start + .milliseconds(3)))
        queue.didRun(of: "a", for: .milliseconds(1), now: start + .milliseconds(2))
        #expect(queue.action(now: start) == .run(model: "a", [ids[0]]))
        #expect(queue.nextJob(now: start)?.job == nil)
    }

    @Test func `A batch waits for clients that were answered and come back at once`() throws {
        var queue = Queue(capacity: .init(byteCount: 1000))
        for _ in 0..<2 {
            try admitReady(2, of: "a", to: &queue)
            #expect(runBatch(&queue, perImage: .milliseconds(8)) == "a 2")
        }
        try admitReady(1, of: "a", to: &queue)
        #expect(queue.action(now: start) == .wait(until: start + .milliseconds(2)))
        try admitReady(1, of: "a", to: &queue)
        #expect(runBatch(&queue, perImage: .milliseconds(8)) == "a 2")
    }

    @Test func `What is empty is forgotten, and numbers are never given twice`() throws {
        var queue = Queue(capacity: .init(byteCount: 1000))
        let first = try queue.admit([10], of: "a", limits: limits, now: start).get()
        queue.remove(first[0], of: "a")
        let second = try queue.admit([10], of: "a", limits: limits, now: start).get()
        #expect(first != second)
        queue.remove(first[0], of: "a")
        #expect(queue.depth(of: "a") == 1)
    }

    private func admit(
        _ costs: [ImageCost], of model: String = "m", from client: String = "", to queue: inout Queue
    ) throws -> [Int] {
        let ids = try queue.admit(costs, of: model, from: client, limits: limits, now: start).get()
        for id in ids { queue.append(id, for: id, of: model) }
        return ids
    }

    /// Takes the next job, if one may be taken.
    private func next(_ queue: inout Queue, maxNanoseconds: Int = .max) -> Int? {
        queue.nextJob(now: start, maxNanoseconds: maxNanoseconds)?.job
    }

    @Test(arguments: [100, 101])
    func `Pixels wait up to their limit and not one more, but one request is always let in`(_ count: Int) throws {
        var queue = Queue(capacity: .init(pixelCount: 100))
        let whole = try admit([ImageCost(byteCount: 0, pixelCount: 1000)], to: &queue)
        let more = queue.admit([ImageCost(byteCount: 0, pixelCount: 1)], of: "m", limits: limits, now: start)
        #expect(more == .failure(.pixels))
        for id in whole { queue.remove(id, of: "m") }
        _ = try admit([ImageCost(byteCount: 0, pixelCount: 40)], to: &queue)
        let rest = queue.admit([ImageCost(byteCount: 0, pixelCount: count - 40)], of: "n", limits: limits, now: start)
        #expect(count == 100 ? (try? rest.get())?.count == 1 : rest == .failure(.pixels))
    }

    @Test
    func `A lone client's image goes ahead of a flood's, and a flood's places are given to it where none are left`()
        throws
    {
        var queue = Queue(capacity: .init())
        let flood = try (0..<8).map { _ in try admit([10], from: "flood", to: &queue)[0] }
        #expect(next(&queue) == flood[0])
        let refused = queue.admit([10], of: "m", from: "lone", limits: limits, now: start)
        #expect(refused == .failure(.images))
        let victims = queue.victims(for: [10], of: "m", from: "lone", shortage: .images)
        #expect(victims == [RequestOrigin(client: "flood", request: flood[7])])
        #expect(queue.victims(for: [10], of: "m", from: "flood", shortage: .images) == nil)
        queue.remove(flood[7], of: "m")
        let lone = try admit([10], from: "lone", to: &queue)
        #expect(next(&queue) == lone[0])
    }

    @Test func `A batch that cannot hold all has as many of each client's images`() throws {
        var queue = Queue(capacity: .init())
        let flood = try (0..<6).map { _ in try admit([10], from: "flood", to: &queue)[0] }
        let lone = try admit([10], from: "lone", to: &queue)
        makeReady(flood + lone, of: "m", in: &queue)
        while queue.nextJob(now: start) != nil {}
        #expect(queue.action(now: start + .seconds(1)) == .run(model: "m", [flood[0], lone[0], flood[1], flood[2]]))
    }

    @Test func `What codecs hold at once has a limit; small images go ahead meanwhile, and the large one has its turn`()
        throws
    {
        var queue = Queue(capacity: .init(workingByteCount: 160))
        func image(_ byteCount: Int) -> ImageCost { ImageCost(byteCount: 0, workingByteCount: byteCount) }
        let ids = try [100, 100, 50, 10, 0].map { try admit([image($0)], to: &queue)[0] }
        let taken = queue.nextJob(now: start)
        let first = try #require(taken)
        #expect(first.job == ids[0])
        // 50 would fit, but would keep the second from its turn; 10 is a sixteenth.
        #expect(next(&queue) == ids[3])
        #expect(next(&queue) == ids[4])
        #expect(next(&queue) == nil)
        #expect(queue.hasJobs)
        let frees = queue.didDecode(first, in: .milliseconds(1), now: start)
        #expect(frees)
        #expect(next(&queue) == ids[1])
    }

    @Test func `Codecs that never give way have so many threads at once, and short work goes ahead`() throws {
        var queue = Queue(capacity: .init(indivisibleCount: 1))
        let large = ImageCost(byteCount: 0, isDivisible: false, nanoseconds: 50_000_001)
        let ids = try [large, large, 10].map { try admit([$0], to: &queue)[0] }
        let taken = queue.nextJob(now: start)
        let first = try #require(taken)
        #expect([ids[0], ids[2]].contains(first.job))
        let other = queue.nextJob(now: start)
        let second = try #require(other)
        #expect(Set([first.job, second.job]) == [ids[0], ids[2]])
        #expect(next(&queue) == nil)
        queue.didDecode(first.cost == large ? first : second, in: .seconds(1), now: start)
        #expect(next(&queue) == ids[1])
    }

    @Test func `In the midst of a decode only shorter ones are taken`() throws {
        var queue = Queue(capacity: .init())
        let ids = try [100, 20].map { try admit([ImageCost(byteCount: 0, nanoseconds: $0)], to: &queue)[0] }
        #expect(next(&queue, maxNanoseconds: 19) == nil)
        #expect(next(&queue, maxNanoseconds: 20) == ids[1])
    }
}

extension ImageCost: ExpressibleByIntegerLiteral {
    /// An image that takes bytes alone.
    public init(integerLiteral byteCount: Int) { self.init(byteCount: byteCount) }
}
