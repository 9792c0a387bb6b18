import Inference
import Threads

/// Divides ranges of parameters into blocks for the threads.
///
/// The blocks depend only on the ranges, so that no result depends on the number of threads.
struct ParameterBlocks {
    /// The largest block: 256 KiB, large enough to amortise a task and small enough to balance the load. Units:
    /// scalars.
    static let blockExtent = 1 << 16

    private var ranges: [Range<Int>] = []
    /// The blocks in order, none longer than ``blockExtent``.
    private(set) var blocks: [Range<Int>] = []

    /// Divides these ranges, unless they equal those of the last call.
    mutating func divide(_ ranges: [Range<Int>], within count: Int) {
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

    /// Runs `body` for each block in parallel, and returns when all are done.
    func forEach(_ workers: WorkerPool, _ body: @escaping @Sendable (_ index: Int, _ block: Range<Int>) -> Void) {
        workers.parallelFor(blocks.count) { [blocks] index, _ in body(index, blocks[index]) }
    }
}

extension UnsafeMutableBufferPointer {
    /// The address of an element, for C kernels.
    func address(of index: Int) -> UnsafeMutablePointer<Element> {
        guard let baseAddress, index <= count else {
            preconditionFailure("element \(index) of \(count) has no address")
        }
        return baseAddress + index
    }
}
