import Inference
import Threads

/// Stretches of parameters cut into blocks that threads share out.
///
/// The cuts depend on the stretches alone, so that no result depends on the number of threads.
struct ParameterBlocks {
    /// Units: scalars. A quarter of a megabyte: long enough to be worth a turn, short enough to share out evenly.
    static let blockExtent = 1 << 16

    private var ranges: [Range<Int>] = []
    /// In order; none longer than ``blockExtent``.
    private(set) var blocks: [Range<Int>] = []

    /// Cuts these stretches; work that is done once for the same stretches.
    mutating func cut(_ ranges: [Range<Int>], within count: Int) {
        guard ranges != self.ranges else { return }
        self.ranges = ranges
        blocks = ranges.flatMap { range in
            precondition(
                range.lowerBound >= 0 && range.upperBound <= count, "parameters \(range) do not lie within 0..<\(count)"
            )
            return stride(from: range.lowerBound, to: range.upperBound, by: Self.blockExtent).map {
                $0..<min($0 + Self.blockExtent, range.upperBound)
            }
        }
    }

    /// Runs `body` for each block, several at a time, and returns when all are done.
    func forEach(_ workers: WorkerPool, _ body: @escaping @Sendable (_ index: Int, _ block: Range<Int>) -> Void) {
        workers.parallelFor(blocks.count) { [blocks] index, _ in body(index, blocks[index]) }
    }
}
