import Synchronization
import Testing

@testable import Server

@Suite("Deadlines")
struct DeadlinesTests {
    private let start = ContinuousClock.now

    @Test("Elements come out when their time has come, soonest first, whatever order they were added in")
    func order() {
        var list = DeadlineList<String>()
        #expect(list.earliest == nil)
        for (id, milliseconds) in [30, 10, 20, 10, 40].enumerated() {
            list.insert("\(milliseconds) #\(id)", id: id, at: start + .milliseconds(milliseconds))
        }
        #expect(list.earliest == start + .milliseconds(10))
        #expect(list.takePassed(now: start + .milliseconds(9)) == [])
        #expect(list.takePassed(now: start + .milliseconds(20)) == ["10 #1", "10 #3", "20 #2"])
        #expect(list.count == 2)
        #expect(list.takePassed(now: start + .milliseconds(99)) == ["30 #0", "40 #4"])
        #expect(list.earliest == nil)
    }

    @Test("Only the element with that number and that time is taken back")
    func removal() {
        var list = DeadlineList<Int>()
        for id in 0..<100 { list.insert(id, id: id, at: start + .milliseconds(id / 10)) }
        list.remove(55, at: start + .milliseconds(5))
        list.remove(55, at: start + .milliseconds(5))
        list.remove(56, at: start + .milliseconds(6))
        list.remove(100, at: start + .milliseconds(9))
        #expect(list.count == 99)
        #expect(list.takePassed(now: start + .milliseconds(99)) == Array(0..<55) + Array(56..<100))
    }

    @Test("What is taken back is not done, and leaves nothing behind")
    func timer() async {
        let deadlines = Deadlines()
        let done = Mutex<[Int]>([])
        for id in 0..<4 {
            deadlines.add(id, at: .now + .milliseconds(id == 0 ? 50 : 5 * id)) { done.withLock { $0.append(id) } }
        }
        let time = ContinuousClock.now + .milliseconds(20)
        deadlines.add(9, at: time) { done.withLock { $0.append(9) } }
        deadlines.remove(9, at: time)
        while done.withLock({ $0.count }) < 4 { await Task.yield() }
        #expect(done.withLock { $0 } == [1, 2, 3, 0])
        #expect(deadlines.count == 0)
    }
}
