import Dispatch
import Foundation
import Synchronization
import Testing

@testable import Threads

@Suite("The worker pool")
struct WorkerPoolTests {
    @Test("A parallel loop visits each index once", arguments: [1, 2, 4], [0, 1, 2, 1000])
    func visitsEachIndexOnce(threadCount: Int, count: Int) {
        let pool = WorkerPool(threadCount: threadCount)
        let visits = Mutex(Array(repeating: 0, count: count))
        pool.parallelFor(count) { index, _ in visits.withLock { $0[index] += 1 } }
        #expect(visits.withLock { $0.allSatisfy { $0 == 1 } })
    }

    @Test("No two threads have the same slot at the same time")
    func slotsAreExclusive() {
        let pool = WorkerPool(threadCount: 4)
        let busy = Mutex(Set<Int>())
        let isClean = Mutex(true)
        for _ in 0..<50 {
            pool.parallelFor(64) { _, slot in
                let isFree = busy.withLock { $0.insert(slot).inserted }
                if !isFree || !(0..<4 ~= slot) { isClean.withLock { $0 = false } }
                busy.withLock { _ = $0.remove(slot) }
            }
        }
        #expect(isClean.withLock { $0 })
    }

    @Test("Loops inside jobs finish even when every thread is inside one")
    func nestedLoops() {
        let pool = WorkerPool(threadCount: 3)
        let group = DispatchGroup()
        let total = Atomic(0)
        for _ in 0..<30 {
            group.enter()
            pool.submit(.normal) {
                pool.parallelFor(10) { _, _ in total.wrappingAdd(1, ordering: .relaxed) }
                group.leave()
            }
        }
        group.wait()
        #expect(total.load(ordering: .relaxed) == 300)
    }

    @Test("The lanes take turns, the higher one first; within a lane, whoever came first")
    func lanes() {
        let pool = WorkerPool(threadCount: 1)
        let gate = DispatchSemaphore(value: 0)
        let done = DispatchGroup()
        let order = Mutex<[Int]>([])
        let begun = DispatchSemaphore(value: 0)
        pool.submit(.normal) {
            begun.signal()
            gate.wait()
        }
        begun.wait()
        for (index, lane) in [WorkerPool.Lane.normal, .normal, .high, .high, .high].enumerated() {
            done.enter()
            pool.submit(lane) {
                order.withLock { $0.append(index) }
                done.leave()
            }
        }
        gate.signal()
        done.wait()
        #expect(order.withLock { $0 } == [2, 0, 3, 1, 4])
    }

    @Test("Every one of many jobs is run")
    func manyJobs() {
        let pool = WorkerPool(threadCount: 2)
        let group = DispatchGroup()
        let total = Atomic(0)
        for _ in 0..<2000 {
            group.enter()
            pool.submit(.normal) {
                total.wrappingAdd(1, ordering: .relaxed)
                group.leave()
            }
        }
        group.wait()
        #expect(total.load(ordering: .relaxed) == 2000)
    }

    /// What jobs wrote down.
    private final class Notes: Sendable {
        private let notes = Mutex<[Int]>([])
        private let done = DispatchSemaphore(value: 0)

        func write(_ name: Int) {
            notes.withLock { $0.append(name) }
            done.signal()
        }

        /// Waits for so many more of them, a minute at most.
        func wait(for count: Int) -> [Int] {
            for _ in 0..<count { _ = done.wait(timeout: .now() + 60) }
            return notes.withLock { $0 }
        }
    }

    /// Where two meet: each waits there for the other, a minute at most.
    private final class Meeting: Sendable {
        private let arrived = [DispatchSemaphore(value: 0), DispatchSemaphore(value: 0)]

        /// - Returns: whether the other one came.
        func join(_ index: Int) -> Bool {
            arrived[index].signal()
            return arrived[1 - index].wait(timeout: .now() + 60) == .success
        }
    }

    /// What occupies two threads, each of which does this with its number.
    private typealias Occupation = @Sendable (WorkerPool, @escaping @Sendable (Int) -> Void) -> Void

    private static let occupations: [Occupation] = [
        { pool, work in for index in 0..<2 { pool.submit(.normal) { work(index) } } },
        { pool, work in pool.submit(.normal) { pool.parallelFor(2) { index, _ in work(index) } } },
    ]

    @Test("Jobs and loops find every thread", arguments: occupations.indices)
    func everyThreadIsFound(index: Int) throws {
        let pool = WorkerPool(threadCount: 2)
        let notes = Notes()
        for _ in 0..<200 {
            let meeting = Meeting()
            Self.occupations[index](pool) { notes.write(meeting.join($0) ? 1 : 0) }
            try #require(notes.wait(for: 2).suffix(2) == [1, 1])
        }
    }

    @Test("A pool ends where its last owner is one of its own jobs, too")
    func endsWithItsLastJob() {
        weak var released: WorkerPool?
        do {
            let pool = WorkerPool(threadCount: 2)
            released = pool
            let gate = DispatchSemaphore(value: 0)
            pool.submit(.normal) { [pool] in
                gate.wait()
                withExtendedLifetime(pool) {}
            }
            gate.signal()
        }
        for _ in 0..<60_000 where released != nil { Thread.sleep(forTimeInterval: 0.001) }
        #expect(released == nil)
    }
}
