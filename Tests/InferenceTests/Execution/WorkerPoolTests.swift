import Dispatch
import Synchronization
import Testing

@testable import Inference

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
}
