import Testing

@testable import Server

@Suite(.timeLimit(.minutes(2)))
struct FairScheduleTests {
    /// Serves so many turns, each of which takes so long, and names the flows in the order of their turns.
    private func serve(_ schedule: inout FairSchedule<String, String>, _ count: Int, costs: [String: Int] = [:])
        -> [String]
    {
        (0..<count).map { _ in
            guard let index = schedule.next() else { return "none" }
            let name = schedule[index]
            schedule.begin(index)
            schedule.charge(index, costs[name] ?? 1)
            return name
        }
    }

    private func schedule(_ names: [String]) -> FairSchedule<String, String> {
        var schedule = FairSchedule<String, String>()
        for name in names { schedule.append(name, name) }
        return schedule
    }

    @Test func `Flows whose work takes equally long take turns`() {
        var schedule = schedule(["a", "b", "c"])
        #expect(serve(&schedule, 6) == ["a", "b", "c", "a", "b", "c"])
    }

    @Test func `Time is shared, not turns`() {
        var schedule = schedule(["a", "b"])
        #expect(serve(&schedule, 8, costs: ["a": 3]) == ["a", "b", "b", "b", "a", "b", "b", "b"])
    }

    @Test func `A flow that was idle rejoins where the others are, and earns no extra share`() {
        var schedule = schedule(["a", "b"])
        let idle = schedule.index(of: "b")
        for _ in 0..<5 {
            let index = schedule.next { $0 == "a" }
            if let index {
                schedule.begin(index)
                schedule.charge(index, 10)
            }
        }
        if let idle { schedule.rejoin(idle) }
        #expect(serve(&schedule, 4, costs: ["a": 10, "b": 10]) == ["b", "a", "b", "a"])
    }

    @Test func `What is found behind a flow comes in the order of turns, and only flows with work are found`() {
        var schedule = schedule(["a", "b", "c"])
        _ = serve(&schedule, 1)
        let first = schedule.next()
        let second = schedule.next(after: first)
        let third = schedule.next(after: second)
        #expect([first, second, third].map { $0.map { schedule[$0] } } == ["b", "c", "a"])
        #expect(schedule.next(after: third) == nil)
        #expect(schedule.next { $0 == "c" }.map { schedule[$0] } == "c")
        #expect(schedule.next { _ in false } == nil)
    }

    @Test func `By finish times, the flow whose next piece would be done first goes first`() {
        var schedule = FairSchedule<String, String>()
        schedule.append("long", "long", nextCost: 100)
        schedule.append("short", "short", nextCost: 1)
        #expect(schedule.next().map { schedule[$0] } == "short")
    }

    @Test func `An idle flow is forgotten, but one that has had more than its share is not`() {
        var schedule = schedule(["a", "b", "c"])
        _ = serve(&schedule, 2, costs: ["a": 1, "b": 100])
        schedule.removeAll { $0 != "c" }
        #expect(schedule.index(of: "b") != nil)
        #expect(serve(&schedule, 4) == ["c", "a", "c", "a"])
        for _ in 0..<2 {
            guard let index = schedule.index(of: "c") else { continue }
            schedule.begin(index)
            schedule.charge(index, 1)
        }
        schedule.removeAll { $0 != "c" }
        #expect(schedule.index(of: "a") == nil)
        #expect(schedule.index(of: "b") != nil)
    }
}
