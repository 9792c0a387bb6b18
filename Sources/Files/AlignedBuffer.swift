import Synchronization

import Glibc

/// Memory for whole files and tensors: aligned for vector instructions, and freed with its last owner.
///
/// Large buffers are aligned to, and ask for, huge pages.
public final class AlignedBuffer: @unchecked Sendable {  // guard: no writing once shared, no reading once discarded
    /// The memory itself; uninitialised at first.
    public let bytes: UnsafeMutableRawBufferPointer

    private static let hugePageByteCount = 2 << 20
    /// The pool that takes the memory back when it is free; nil gives it back to the system.
    private let pool: BufferPool?

    /// Allocates uninitialised memory.
    public convenience init(byteCount: Int) { self.init(byteCount: byteCount, recycling: nil, in: nil) }

    /// Uses memory that a pool has kept, or else allocates new memory. The pool takes either back.
    init(byteCount: Int, recycling memory: UnsafeMutableRawBufferPointer?, in pool: BufferPool?) {
        precondition(byteCount >= 0, "a buffer cannot have \(byteCount) bytes")
        self.pool = pool
        if let memory {
            bytes = memory
            return
        }
        let isLarge = byteCount >= 2 * Self.hugePageByteCount
        let alignment = isLarge ? Self.hugePageByteCount : 64
        let memory = UnsafeMutableRawPointer.allocate(byteCount: max(byteCount, 1), alignment: alignment)
        if isLarge { madvise(memory, byteCount, MADV_HUGEPAGE) }
        bytes = UnsafeMutableRawBufferPointer(start: memory, count: byteCount)
    }

    deinit { Self.release(bytes, to: pool) }

    /// Gives the whole pages of a range back to the system, for good. The range must not be read afterwards.
    package func discard(_ range: Range<Int>) {
        precondition(range.upperBound <= bytes.count, "\(range) is not within \(bytes.count) bytes")
        guard let start = bytes.baseAddress else { return }
        let page = sysconf(Int32(_SC_PAGESIZE))
        let first = (Int(bitPattern: start) + range.lowerBound + page - 1) / page * page
        let end = (Int(bitPattern: start) + range.upperBound) / page * page
        if first < end { madvise(UnsafeMutableRawPointer(bitPattern: first), end - first, MADV_DONTNEED) }
    }
}

/// Reuses memory of a size that is needed again and again, such as the inputs of one network: fresh pages cost as much
/// as what is written to them.
public final class BufferPool: Sendable {
    /// Memory that is not in use.
    private struct Block: @unchecked Sendable {  // guard: belongs to the pool alone while it lies there
        let bytes: UnsafeMutableRawBufferPointer
    }

    private let free = Mutex<[Block]>([])
    private let countLimit: Int

    /// - Parameter countLimit: the most unused buffers that are kept.
    public init(countLimit: Int) { self.countLimit = countLimit }

    deinit { free.withLock { $0.forEach { $0.bytes.deallocate() } } }

    /// Uninitialised memory, which returns to the pool when its last owner releases it.
    package func take(byteCount: Int) -> AlignedBuffer {
        let block = free.withLock { free in
            free.lastIndex { $0.bytes.count == byteCount }.map { free.remove(at: $0) }
        }
        return AlignedBuffer(byteCount: byteCount, recycling: block?.bytes, in: self)
    }

    /// Keeps memory for the next use. If that is too much, frees what was kept longest.
    fileprivate func keep(_ bytes: UnsafeMutableRawBufferPointer) {
        let block = Block(bytes: bytes)
        let surplus = free.withLock { free in
            free.append(block)
            return free.count > countLimit ? free.removeFirst() : nil
        }
        surplus?.bytes.deallocate()
    }
}

extension AlignedBuffer {
    /// Returns memory that has lost its last owner to the pool, or else to the system.
    static func release(_ bytes: UnsafeMutableRawBufferPointer, to pool: BufferPool?) {
        if let pool { pool.keep(bytes) } else { bytes.deallocate() }
    }
}
