import Testing

@testable import Server

@Suite(.timeLimit(.minutes(2)))
struct DecodeQueueTests {
    private func cost(_ milliseconds: Int) -> ImageCost {
        ImageCost(byteCount: 0, nanoseconds: milliseconds * 1_000_000)
    }

    private func append(
        _ queue: inout DecodeQueue<String>, _ name: String, client: String = "a", request: Int, milliseconds: Int = 1
    ) {
        queue.append(
            name, id: queue.count, origin: RequestOrigin(client: client, request: request), cost: cost(milliseconds))
    }

    private func pop(
        _ queue: inout DecodeQueue<String>, _ mayTake: (DecodeQueue<String>.Item) -> Bool = { _ in true }
    ) -> String? {
        queue.popNext(where: mayTake)?.job
    }

    private func all(_ queue: inout DecodeQueue<String>) -> [String] {
        var names: [String] = []
        while let turn = queue.popNext() { names.append(turn.job) }
        return names
    }

    @Test func `One client's requests of one size come as they came`() {
        var queue = DecodeQueue<String>()
        for request in 1...4 { append(&queue, "\(request)", request: request) }
        #expect(all(&queue) == ["1", "2", "3", "4"])
        #expect(queue.isEmpty)
    }

    @Test func `A small request comes before most of a large one, though it is the same client's and came later`() {
        var queue = DecodeQueue<String>()
        for index in 1...4 { append(&queue, "form \(index)", request: 1, milliseconds: 10) }
        append(&queue, "large", request: 2, milliseconds: 1000)
        #expect(pop(&queue) == "form 1")
        append(&queue, "small", request: 3)
        #expect(all(&queue) == ["small", "form 2", "form 3", "form 4", "large"])
    }

    @Test func `Clients share time, not pieces`() {
        var queue = DecodeQueue<String>()
        for index in 1...3 { append(&queue, "a\(index)", client: "a", request: index, milliseconds: 20) }
        for index in 4...7 { append(&queue, "b\(index)", client: "b", request: index, milliseconds: 10) }
        #expect(all(&queue) == ["a1", "b4", "b5", "a2", "b6", "b7", "a3"])
    }

    @Test func `What a client took more than was estimated counts`() {
        var queue = DecodeQueue<String>()
        for index in 1...2 { append(&queue, "a\(index)", client: "a", request: index) }
        for index in 3...6 { append(&queue, "b\(index)", client: "b", request: index) }
        #expect(pop(&queue) == "a1")
        queue.correct("a", by: 2_500_000)
        #expect(all(&queue) == ["b3", "b4", "b5", "b6", "a2"])
    }

    @Test func `A client that rested has saved no time up`() {
        var queue = DecodeQueue<String>()
        for index in 1...4 { append(&queue, "a\(index)", client: "a", request: index) }
        for _ in 1...2 { _ = queue.popNext() }
        for index in 5...8 { append(&queue, "b\(index)", client: "b", request: index) }
        #expect(all(&queue) == ["b5", "a3", "b6", "a4", "b7", "b8"])
    }

    @Test func `What may not be taken now is passed over, and keeps its turn`() {
        var queue = DecodeQueue<String>()
        for request in 1...3 { append(&queue, "\(request)", request: request) }
        #expect(pop(&queue) { $0.job != "1" } == "2")
        #expect(pop(&queue) { _ in false } == nil)
        #expect(all(&queue) == ["1", "3"])
    }

    @Test func `Pieces that nobody waits for go, and nothing else does`() {
        var queue = DecodeQueue<String>()
        for index in 1...3 { append(&queue, "\(index)", request: 1) }
        append(&queue, "other", request: 2)
        for id in 0..<2 { queue.remove(id, of: RequestOrigin(client: "a", request: 1)) }
        queue.remove(7, of: RequestOrigin(client: "a", request: 1))
        queue.remove(0, of: RequestOrigin(client: "b", request: 1))
        #expect(queue.count == 2)
        #expect(Set(all(&queue)) == ["3", "other"])
    }

    @Test(arguments: [
        ("127.0.0.1", "127.0.0.1"), ("::ffff:10.1.2.3", "10.1.2.3"), ("2001:db8::1", "20010db800000000"),
        ("2001:db8:0:0:ffff::2", "20010db800000000"), ("2001:db8:0:1::1", "20010db800000001"),
        ("fe80::1%eth0", "fe80000000000000"),
        ("not:an address", "not:an address"),
    ])
    func `A client is an IPv4 address, or the first half of an IPv6 address`(_ address: String, _ key: String) {
        #expect(ClientKey.of(address) == key)
    }
}
