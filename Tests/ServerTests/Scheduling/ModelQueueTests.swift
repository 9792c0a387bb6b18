import Testing

@testable import Server

@Suite(.timeLimit(.minutes(2)))
struct ModelQueueTests {
    private final class Version {}

    private let start = ContinuousClock.now
    private let first = Version()
    private let second = Version()

    private func queue(capacity: Int = 8, batch: Int = 3, delay: Duration = .zero) -> ModelQueue<String, Int> {
        ModelQueue(model: "m", limits: .init(capacity: capacity, maxBatchSize: batch, maxDelay: delay), now: start)
    }

    private func makeReady(_ queue: inout ModelQueue<String, Int>, _ names: [String], _ version: Version) -> [Int] {
        names.map { name in
            let id = Int(name.utf8.first ?? 0)
            queue.admit([ImageCost(byteCount: 10)], from: id, now: start)
            let isReady = queue.makeReady(id, name, group: ObjectIdentifier(version), now: start)
            #expect(isReady)
            return id
        }
    }

    @Test func `A lone image runs at once`() {
        var queue = queue()
        #expect(queue.action(now: start) == .idle)
        let ids = makeReady(&queue, ["a"], first)
        #expect(queue.action(now: start) == .run(model: "m", ids))
        let taken = queue.take(ids, now: start + .milliseconds(2))
        #expect(taken.map(\.waited) == [.milliseconds(2)])
        #expect(queue.depth == 0)
        #expect(queue.action(now: start) == .idle)
    }

    @Test func `What waits goes together, up to the largest batch, oldest first`() {
        var queue = queue()
        let ids = makeReady(&queue, ["a", "b", "c", "d"], first)
        #expect(queue.action(now: start) == .run(model: "m", Array(ids[..<3])))
        let taken = queue.take(Array(ids[..<3]), now: start)
        #expect(taken.map(\.element) == ["a", "b", "c"])
        #expect(queue.action(now: start) == .run(model: "m", [ids[3]]))
    }

    @Test func `Images of two versions never share a batch`() {
        var queue = queue(batch: 4)
        let old = makeReady(&queue, ["a", "b"], first)
        let new = makeReady(&queue, ["c"], second)
        let late = makeReady(&queue, ["d"], first)
        #expect(queue.action(now: start) == .run(model: "m", old + late))
        _ = queue.take(old + late, now: start)
        #expect(queue.action(now: start) == .run(model: "m", new))
    }

    @Test func `With a delay, a batch that is not full waits for it, and no longer`() {
        var queue = queue(delay: .milliseconds(5))
        var ids = makeReady(&queue, ["a", "b"], first)
        #expect(queue.action(now: start) == .wait(until: start + .milliseconds(5)))
        #expect(queue.action(now: start + .milliseconds(4)) == .wait(until: start + .milliseconds(5)))
        #expect(queue.action(now: start + .milliseconds(5)) == .run(model: "m", ids))
        ids += makeReady(&queue, ["c"], first)
        #expect(queue.action(now: start) == .run(model: "m", ids))
    }

    @Test func `A batch that is not full waits for what is about to be ready, if that is later than its delay`() {
        var queue = queue(delay: .milliseconds(5))
        var ids = makeReady(&queue, ["a", "b"], first)
        let (soon, late) = (start + .milliseconds(4), start + .milliseconds(6))
        #expect(queue.action(now: start, coalescingEnd: soon) == .wait(until: start + .milliseconds(5)))
        #expect(queue.action(now: start, coalescingEnd: late) == .wait(until: late))
        #expect(queue.action(now: late, coalescingEnd: late) == .run(model: "m", ids))
        ids += makeReady(&queue, ["c"], first)
        #expect(queue.action(now: start, coalescingEnd: late) == .run(model: "m", ids))
    }

    @Test(arguments: [1, 2, 8])
    func `The queue holds as many images as its capacity, and not one more`(_ capacity: Int) {
        var queue = queue(capacity: capacity)
        #expect(!queue.hasPlaces(for: capacity + 1))
        #expect(queue.hasPlaces(for: capacity))
        for id in 1..<capacity { queue.admit([ImageCost(byteCount: 1)], from: id, now: start) }
        #expect(queue.hasPlaces(for: 1))
        #expect(!queue.hasPlaces(for: 2))
        queue.admit([ImageCost(byteCount: 1)], from: capacity, now: start)
        #expect(!queue.hasPlaces(for: 1))
        #expect(queue.byteCount == capacity)
        queue.remove(capacity)
        #expect(queue.hasPlaces(for: 1))
    }

    @Test func `Where others wait for the network, a batch is no larger than it is told, and waits for no more`() {
        var queue = queue(batch: 4, delay: .milliseconds(5))
        let ids = makeReady(&queue, ["a", "b", "c"], first)
        #expect(queue.action(now: start, maxSize: 2) == .run(model: "m", Array(ids[..<2])))
        #expect(queue.action(now: start, maxSize: 4) == .wait(until: start + .milliseconds(5)))
    }

    @Test func `Whoever hangs up loses the place, decoded or not`() {
        var queue = queue()
        let undecoded = 1
        queue.admit([ImageCost(byteCount: 10)], from: undecoded, now: start)
        let decoded = makeReady(&queue, ["a", "b"], first)
        queue.remove(undecoded)
        queue.remove(decoded[0])
        queue.remove(decoded[0])
        #expect(queue.depth == 1)
        let isReady = queue.makeReady(undecoded, "late", group: ObjectIdentifier(first), now: start)
        #expect(!isReady)
        #expect(queue.action(now: start) == .run(model: "m", [decoded[1]]))
    }
}
