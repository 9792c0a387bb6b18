import ModelTestSupport
import TestSupport
import Testing

@testable import Inference

@Suite("Layout of the arena", .timeLimit(.minutes(2)))
struct ArenaLayoutTests {
    @Test func `a chain needs room for two neighbours only`() {
        var layout = ArenaLayout()
        #expect(layout.place(count: 160, at: 0, lastUse: 1) == 0)
        #expect(layout.place(count: 80, at: 1, lastUse: 2) == 160)
        #expect(layout.place(count: 96, at: 2, lastUse: 3) == 0)
        #expect(layout.place(count: 48, at: 3, lastUse: 4) == 96)
        #expect(layout.count == 240)
    }

    @Test func `what is alive at the same time never overlaps`() {
        var random = RandomValues(seed: 3)
        for _ in 0..<200 {
            var layout = ArenaLayout()
            var placed: [(range: Range<Int>, step: Int, lastUse: Int)] = []
            for step in 0..<12 {
                let count = Int((random.next() + 1) * 500)
                let lastUse = step + Int((random.next() + 1) * 3)
                let offset = layout.place(count: count, at: step, lastUse: lastUse)
                #expect(offset % 16 == 0)
                #expect(offset + count <= layout.count)
                for other in placed where other.lastUse >= step {
                    #expect(!other.range.overlaps(offset..<offset + count))
                }
                placed.append((offset..<offset + count, step, lastUse))
            }
        }
    }
}
