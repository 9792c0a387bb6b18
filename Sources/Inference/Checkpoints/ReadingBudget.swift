/// Limits the memory for reading one checkpoint, besides the file's own bytes.
///
/// All readers of a file charge one budget *before* they allocate. They charge inflated records, a pickle's stack,
/// memo, containers and text, parsed headers and indexes, and the tensors' float32 copies. Without a limit, a small
/// file could ask for any amount of memory: a tuple takes one byte in a pickle, and an archive holds a record of zeros
/// in a thousandth of its size.
///
/// Capacities are charged, not counts, and the allocator's overhead is included. A growing array briefly holds its old
/// and its new memory, so the peak can be 1.5 times the limit.
package final class ReadingBudget {
    /// The constant part of the limit, enough for every small file: the pickle of a network of thousands of tensors
    /// with optimiser state takes about 20 MiB. Units: bytes.
    package static let floorByteCount = 64 << 20
    /// Bytes of memory for each byte of the file: converting float16 to float32 doubles the size, and the file may be
    /// compressed.
    package static let bytesPerFileByte = 8

    /// The most memory. Units: bytes.
    private(set) var limit: Int
    /// Memory charged so far. Units: bytes.
    private(set) var byteCount = 0

    /// The overhead of one allocation: headers of the allocator and of Swift, and rounding. Units: bytes.
    static let allocationByteCount = 48

    /// A budget for a file of this size.
    package init(fileByteCount: Int) {
        limit = Self.floorByteCount
        grow(fileByteCount: fileByteCount)
    }

    /// Raises the limit for another file, such as a shard.
    func grow(fileByteCount: Int) {
        let (share, overflow) = fileByteCount.multipliedReportingOverflow(by: Self.bytesPerFileByte)
        let (sum, sumOverflow) = limit.addingReportingOverflow(share)
        limit = overflow || sumOverflow ? .max : sum
    }

    /// Charges bytes.
    ///
    /// - Parameter what: what the bytes are for, such as "a pickle's lists"; used in the error.
    /// - Throws: ``CheckpointError/memoryLimit(what:needed:limit:)`` when the limit is exceeded.
    func charge(_ count: Int, for what: @autoclosure () -> String) throws(CheckpointError) {
        let (sum, overflow) = byteCount.addingReportingOverflow(count)
        guard !overflow, sum <= limit else {
            throw .memoryLimit(what: what(), needed: overflow ? .max : sum, limit: limit)
        }
        byteCount = sum
    }

    /// Charges a string of `byteCount` bytes, including the value that refers to it.
    func charge(textOf byteCount: Int, for what: @autoclosure () -> String) throws(CheckpointError) {
        try charge(byteCount + Self.allocationByteCount, for: what())
    }
}

extension Array {
    /// Reserves capacity for more elements, after charging it. The capacity at least doubles, so appending stays
    /// amortised O(1).
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
