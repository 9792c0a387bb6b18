import Testing

@testable import Server

@Suite(.timeLimit(.minutes(2)))
struct LongestQueueDropTests {
    private func origin(_ client: String, _ request: Int) -> RequestOrigin {
        RequestOrigin(client: client, request: request)
    }

    @Test func `The client that holds most gives way to one that would hold less, by its largest and latest request`() {
        let drop = LongestQueueDrop(held: [origin("flood", 1): 4, origin("flood", 2): 4, origin("other", 3): 2])
        #expect(drop.victims(for: 1, from: "lone", limit: 10) == [origin("flood", 2)])
    }

    @Test func `Nobody gives way to a client that would hold as much`() {
        let drop = LongestQueueDrop(held: [origin("a", 1): 5, origin("b", 2): 5])
        #expect(drop.victims(for: 1, from: "b", limit: 10) == nil)
        #expect(drop.victims(for: 5, from: "c", limit: 10) == nil)
        #expect(drop.victims(for: 4, from: "c", limit: 10) == [origin("b", 2)])
    }

    @Test(arguments: [4, 5])
    func `A request gives way to one of the same client that is at most an eighth of it`(_ needed: Int) {
        let drop = LongestQueueDrop(held: [origin("a", 1): 32, origin("a", 2): 8])
        #expect(drop.victims(for: needed, from: "a", limit: 40) == (needed == 4 ? [origin("a", 1)] : nil))
    }

    @Test func `Where there is room nobody has to go`() {
        #expect(LongestQueueDrop(held: [origin("a", 1): 8]).victims(for: 2, from: "b", limit: 10) == [])
    }
}
