import Synchronization

/// Memory of a size that is asked for again and again, as inputs of one network are: fresh pages cost as much as what is
/// written to them.
public final class BufferPool: Sendable {
    /// Memory that nobody uses.
    private struct Block: @unchecked Sendable {  // guard: belongs to the pool alone while it lies there
        let bytes: UnsafeMutableRawBufferPointer
    }

    private let free = Mutex<[Block]>([])
    private let countLimit: Int

    /// - Parameter countLimit: how many unused buffers are kept at most.
    public init(countLimit: Int) { self.countLimit = countLimit }

    deinit { free.withLock { $0.forEach { $0.bytes.deallocate() } } }

    /// Uninitialised memory that comes back when its last owner lets go of it.
    package func take(byteCount: Int) -> AlignedBuffer {
        let block = free.withLock { free in
            free.lastIndex { $0.bytes.count == byteCount }.map { free.remove(at: $0) }
        }
        return AlignedBuffer(byteCount: byteCount, recycling: block?.bytes, in: self)
    }

    /// Keeps memory for the next who asks, instead of what has lain here longest.
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
    /// What becomes of memory that has lost its last owner.
    static func release(_ bytes: UnsafeMutableRawBufferPointer, to pool: BufferPool?) {
        if let pool { pool.keep(bytes) } else { bytes.deallocate() }
    }
}
