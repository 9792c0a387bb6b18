import Testing

@testable import Server

@Suite("Who gives way where there is too little of something")
struct CrowdingTests {
    private func origin(_ client: String, _ request: Int) -> RequestOrigin {
        RequestOrigin(client: client, request: request)
    }

    @Test("The client that holds most gives way to one that would hold less, by its largest and latest request")
    func clients() {
        let crowding = Crowding(held: [origin("flood", 1): 4, origin("flood", 2): 4, origin("other", 3): 2])
        #expect(crowding.victims(of: 1, from: "lone", limit: 10) == [origin("flood", 2)])
    }

    @Test("Nobody gives way to a client that would hold as much")
    func equals() {
        let crowding = Crowding(held: [origin("a", 1): 5, origin("b", 2): 5])
        #expect(crowding.victims(of: 1, from: "b", limit: 10) == nil)
        #expect(crowding.victims(of: 5, from: "c", limit: 10) == nil)
        #expect(crowding.victims(of: 4, from: "c", limit: 10) == [origin("b", 2)])
    }

    @Test("A request gives way to one of the same client that is at most an eighth of it", arguments: [4, 5])
    func requests(_ needed: Int) {
        let crowding = Crowding(held: [origin("a", 1): 32, origin("a", 2): 8])
        #expect(crowding.victims(of: needed, from: "a", limit: 40) == (needed == 4 ? [origin("a", 1)] : nil))
    }

    @Test("Where there is room nobody has to go")
    func room() {
        #expect(Crowding(held: [origin("a", 1): 8]).victims(of: 2, from: "b", limit: 10) == [])
    }
}
