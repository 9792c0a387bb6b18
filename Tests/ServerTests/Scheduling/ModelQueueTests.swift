import Testing

@testable import Server

@Suite("The batch queue, on a manual clock")
struct BatchQueueTests {
    private final class Version {}

    private let start = ContinuousClock.now
    private let first = Version()
    private let second = Version()

    private func queue(capacity: Int = 8, batch: Int = 3, delay: Duration = .zero) -> BatchQueue<String> {
        BatchQueue(limits: .init(capacity: capacity, maxBatchSize: batch, maxDelay: delay))
    }

    private func makeReady(_ queue: inout BatchQueue<String>, _ names: [String], _ version: Version) -> [Int] {
        names.map { name in
            let id = Int(name.utf8.first ?? 0)
            queue.admit(id, cost: ImageCost(byteCount: 10))
            let isReady = queue.makeReady(id, name, group: ObjectIdentifier(version), now: start)
            #expect(isReady)
            return id
        }
    }

    @Test("A lone image runs at once")
    func loneImage() {
        var queue = queue()
        #expect(queue.action(now: start) == .rest)
        let ids = makeReady(&queue, ["a"], first)
        #expect(queue.action(now: start) == .run(ids))
        let taken = queue.take(ids, now: start + .milliseconds(2))
        #expect(taken.map(\.waited) == [.milliseconds(2)])
        #expect(queue.depth == 0)
        #expect(queue.action(now: start) == .rest)
    }

    @Test("What waits goes together, up to the largest batch, oldest first")
    func batches() {
        var queue = queue()
        let ids = makeReady(&queue, ["a", "b", "c", "d"], first)
        #expect(queue.action(now: start) == .run(Array(ids[..<3])))
        let taken = queue.take(Array(ids[..<3]), now: start)
        #expect(taken.map(\.element) == ["a", "b", "c"])
        #expect(queue.action(now: start) == .run([ids[3]]))
    }

    @Test("Images of two versions never share a batch")
    func versions() {
        var queue = queue(batch: 4)
        let old = makeReady(&queue, ["a", "b"], first)
        let new = makeReady(&queue, ["c"], second)
        let late = makeReady(&queue, ["d"], first)
        #expect(queue.action(now: start) == .run(old + late))
        _ = queue.take(old + late, now: start)
        #expect(queue.action(now: start) == .run(new))
    }

    @Test("With a delay, a batch that is not full waits for it, and no longer")
    func delay() {
        var queue = queue(delay: .milliseconds(5))
        var ids = makeReady(&queue, ["a", "b"], first)
        #expect(queue.action(now: start) == .wait(until: start + .milliseconds(5)))
        #expect(queue.action(now: start + .milliseconds(4)) == .wait(until: start + .milliseconds(5)))
        #expect(queue.action(now: start + .milliseconds(5)) == .run(ids))
        ids += makeReady(&queue, ["c"], first)
        #expect(queue.action(now: start) == .run(ids))
    }

    @Test("A batch that is not full waits for what is about to be ready, if that is later than its delay")
    func gathering() {
        var queue = queue(delay: .milliseconds(5))
        #expect(queue.readySince == nil)
        var ids = makeReady(&queue, ["a", "b"], first)
        #expect(queue.readySince == start)
        let (soon, late) = (start + .milliseconds(4), start + .milliseconds(6))
        #expect(queue.action(now: start, gatheringEnd: soon) == .wait(until: start + .milliseconds(5)))
        #expect(queue.action(now: start, gatheringEnd: late) == .wait(until: late))
        #expect(queue.action(now: late, gatheringEnd: late) == .run(ids))
        ids += makeReady(&queue, ["c"], first)
        #expect(queue.action(now: start, gatheringEnd: late) == .run(ids))
    }

    @Test("The queue holds as many images as its capacity, and not one more", arguments: [1, 2, 8])
    func capacity(_ capacity: Int) {
        var queue = queue(capacity: capacity)
        #expect(!queue.hasPlaces(for: capacity + 1))
        #expect(queue.hasPlaces(for: capacity))
        for id in 1..<capacity { queue.admit(id, cost: ImageCost(byteCount: 1)) }
        #expect(queue.hasPlaces(for: 1))
        #expect(!queue.hasPlaces(for: 2))
        queue.admit(capacity, cost: ImageCost(byteCount: 1))
        #expect(!queue.hasPlaces(for: 1))
        #expect(queue.byteCount == capacity)
        queue.remove(capacity)
        #expect(queue.hasPlaces(for: 1))
    }

    @Test("Where others wait for the network, a batch is no larger than it is told, and waits for no more")
    func shared() {
        var queue = queue(batch: 4, delay: .milliseconds(5))
        let ids = makeReady(&queue, ["a", "b", "c"], first)
        #expect(queue.action(now: start, most: 2) == .run(Array(ids[..<2])))
        #expect(queue.action(now: start, most: 4) == .wait(until: start + .milliseconds(5)))
    }

    @Test("Whoever hangs up loses the place, decoded or not")
    func removal() {
        var queue = queue()
        let undecoded = 1
        queue.admit(undecoded, cost: ImageCost(byteCount: 10))
        let decoded = makeReady(&queue, ["a", "b"], first)
        queue.remove(undecoded)
        queue.remove(decoded[0])
        queue.remove(decoded[0])
        #expect(queue.depth == 1)
        let isReady = queue.makeReady(undecoded, "late", group: ObjectIdentifier(first), now: start)
        #expect(!isReady)
        #expect(queue.action(now: start) == .run([decoded[1]]))
    }
}
