/// The memory that reading one checkpoint may take beside the file's own bytes.
///
/// All readers of a file draw on one budget *before* they allocate: inflated records, a pickle's stack, memo, containers
/// and text, parsed headers and indexes, and the float32 copies that the tensors ask for. Small files can otherwise ask
/// for any amount: a tuple costs one byte in a pickle, a record of zeros a thousandth of its size in an archive.
///
/// What is charged are capacities, not counts, and allocations are charged with their overhead. An array that grows
/// holds its old and its new memory for a moment, so the peak can be half as much again as the limit.
package final class ReadingBudget {
    /// Enough for every small file: the pickle of a network of thousands of tensors with its optimiser takes some
    /// 20 MiB. Units: bytes.
    package static let floorByteCount = 64 << 20
    /// Further bytes for each of the file: float16 weights become float32 (2), and may have been deflated.
    package static let bytesPerFileByte = 8

    /// Units: bytes.
    private(set) var limit: Int
    /// Units: bytes.
    private(set) var byteCount = 0

    /// What an allocation costs beside its elements: the allocator's header, Swift's, and what rounding wastes.
    static let allocationByteCount = 48

    package init(fileByteCount: Int) {
        limit = Self.floorByteCount
        grow(fileByteCount: fileByteCount)
    }

    /// Takes another file into account, such as a shard.
    func grow(fileByteCount: Int) {
        let (share, overflow) = fileByteCount.multipliedReportingOverflow(by: Self.bytesPerFileByte)
        let (sum, sumOverflow) = limit.addingReportingOverflow(share)
        limit = overflow || sumOverflow ? .max : sum
    }

    /// Takes bytes from the budget.
    ///
    /// - Parameter what: what they are for, as "a pickle's lists".
    /// - Throws: ``CheckpointError/memoryLimit(what:needed:limit:)`` where there are not as many.
    func charge(_ count: Int, for what: @autoclosure () -> String) throws(CheckpointError) {
        let (sum, overflow) = byteCount.addingReportingOverflow(count)
        guard !overflow, sum <= limit else {
            throw .memoryLimit(what: what(), needed: overflow ? .max : sum, limit: limit)
        }
        byteCount = sum
    }

    /// Takes what a string of so many bytes costs, with the element that refers to it.
    func charge(textOf byteCount: Int, for what: @autoclosure () -> String) throws(CheckpointError) {
        try charge(byteCount + Self.allocationByteCount, for: what())
    }
}

extension Array {
    /// Makes room for more elements, and pays for it first. The capacity at least doubles, so that appending one by one stays
    /// linear.
    mutating func reserve(
        _ more: Int, from budget: ReadingBudget, for what: @autoclosure () -> String
    ) throws(CheckpointError) {
        let needed = count + more
        guard needed > capacity else { return }
        let new = Swift.max(needed, 2 * capacity)
        let overhead = capacity == 0 ? ReadingBudget.allocationByteCount : 0
        try budget.charge((new - capacity) * MemoryLayout<Element>.stride + overhead, for: what())
        reserveCapacity(new)
    }
}
