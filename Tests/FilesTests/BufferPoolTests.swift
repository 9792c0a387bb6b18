import Testing

@testable import Files

@Suite("Memory that is used again")
struct BufferPoolTests {
    private func address(_ buffer: AlignedBuffer) -> UnsafeMutableRawPointer? { buffer.bytes.baseAddress }

    @Test("A buffer's memory serves the next of its size, and no two at once")
    func reuse() {
        let pool = BufferPool(countLimit: 2)
        var first: AlignedBuffer? = pool.take(byteCount: 4096)
        let memory = first.flatMap(address)
        first = nil
        let other = pool.take(byteCount: 8192)
        let second = pool.take(byteCount: 4096)
        let third = pool.take(byteCount: 4096)
        #expect(address(second) == memory)
        #expect(address(other) != memory && address(third) != memory)
        #expect(second.bytes.count == 4096 && other.bytes.count == 8192)
    }

    @Test("No more is kept than the limit says, and the newest stay")
    func limit() {
        let pool = BufferPool(countLimit: 1)
        var buffers = (1...3).map { pool.take(byteCount: 64 * $0) }
        let last = address(buffers[2])
        while !buffers.isEmpty { buffers.removeFirst() }
        #expect(address(pool.take(byteCount: 192)) == last)
    }
}
