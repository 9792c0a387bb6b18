import Testing

@testable import Server

@Suite(.timeLimit(.minutes(2))) struct NearestNameTests {
    @Test(arguments: [
        ("", "", 0), ("a", "", 1), ("", "ab", 2), ("kitten", "sitting", 3), ("port", "port", 0),
        ("port", "prot", 2),
    ])
    func `edits are counted as by hand`(a: String, b: String, edits: Int) {
        #expect(NearestName.editDistance(Array(a.utf8), Array(b.utf8)) == edits)
        #expect(NearestName.editDistance(Array(b.utf8), Array(a.utf8)) == edits)
    }

    @Test func `the nearest name wins, and none is better than a far one`() {
        let known = ["server.port", "server.host", "log.level"]
        #expect(NearestName.of("server.prt", among: known) == "server.port")
        #expect(NearestName.of("log.port", among: known) == "server.port")
        #expect(NearestName.of("zzzzzzzzzzzz", among: known) == nil)
        #expect(NearestName.of(String(repeating: "server.port", count: 1000), among: known) == nil)
        #expect(NearestName.of("x", among: []) == nil)
    }
}
