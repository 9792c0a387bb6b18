import Testing

@testable import Server

@Suite("Whose turn it is among clients and their requests")
struct FairLineTests {
    private func cost(_ milliseconds: Int) -> ImageCost {
        ImageCost(byteCount: 0, nanoseconds: milliseconds * 1_000_000)
    }

    private func append(
        _ line: inout FairLine<String>, _ name: String, client: String = "a", request: Int, milliseconds: Int = 1
    ) {
        line.append(
            name, id: line.count, origin: RequestOrigin(client: client, request: request), cost: cost(milliseconds))
    }

    private func pop(
        _ line: inout FairLine<String>, _ decide: (FairLine<String>.Turn) -> FairLine<String>.Choice = { _ in .take }
    ) -> String? {
        line.popNext(decide)?.element
    }

    private func all(_ line: inout FairLine<String>) -> [String] {
        var names: [String] = []
        while let turn = line.popNext() { names.append(turn.element) }
        return names
    }

    @Test("One client's requests of one size come as they came")
    func order() {
        var line = FairLine<String>()
        for request in 1...4 { append(&line, "\(request)", request: request) }
        #expect(all(&line) == ["1", "2", "3", "4"])
        #expect(line.isEmpty)
    }

    @Test("A small request comes before most of a large one, though it is the same client's and came later")
    func requests() {
        var line = FairLine<String>()
        for index in 1...4 { append(&line, "form \(index)", request: 1, milliseconds: 10) }
        append(&line, "large", request: 2, milliseconds: 1000)
        #expect(pop(&line) == "form 1")
        append(&line, "small", request: 3)
        #expect(all(&line) == ["small", "form 2", "form 3", "form 4", "large"])
    }

    @Test("Clients share time, not pieces")
    func clients() {
        var line = FairLine<String>()
        for index in 1...3 { append(&line, "a\(index)", client: "a", request: index, milliseconds: 20) }
        for index in 4...7 { append(&line, "b\(index)", client: "b", request: index, milliseconds: 10) }
        #expect(all(&line) == ["a1", "b4", "b5", "a2", "b6", "b7", "a3"])
    }

    @Test("What a client took more than was estimated counts")
    func correction() {
        var line = FairLine<String>()
        for index in 1...2 { append(&line, "a\(index)", client: "a", request: index) }
        for index in 3...6 { append(&line, "b\(index)", client: "b", request: index) }
        #expect(pop(&line) == "a1")
        line.correct("a", by: 2_500_000)
        #expect(all(&line) == ["b3", "b4", "b5", "b6", "a2"])
    }

    @Test("A client that rested has saved no time up")
    func rest() {
        var line = FairLine<String>()
        for index in 1...4 { append(&line, "a\(index)", client: "a", request: index) }
        for _ in 1...2 { _ = line.popNext() }
        for index in 5...8 { append(&line, "b\(index)", client: "b", request: index) }
        #expect(all(&line) == ["b5", "a3", "b6", "a4", "b7", "b8"])
    }

    @Test("What may not be taken now is passed over or holds all up, and keeps its turn")
    func choices() {
        var line = FairLine<String>()
        for request in 1...3 { append(&line, "\(request)", request: request) }
        #expect(pop(&line) { $0.element == "1" ? .skip : .take } == "2")
        #expect(pop(&line) { $0.element == "1" ? .stop : .take } == nil)
        #expect(all(&line) == ["1", "3"])
    }

    @Test("Pieces that nobody waits for go, and nothing else does")
    func removal() {
        var line = FairLine<String>()
        for index in 1...3 { append(&line, "\(index)", request: 1) }
        append(&line, "other", request: 2)
        line.removeAll(of: RequestOrigin(client: "a", request: 1)) { $0 < 2 }
        #expect(line.count == 2)
        #expect(Set(all(&line)) == ["3", "other"])
    }
}
