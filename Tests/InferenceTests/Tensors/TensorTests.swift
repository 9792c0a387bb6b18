import Files
import Testing

@testable import Inference

@Suite("Tensors", .timeLimit(.minutes(2)))
struct TensorTests {
    @Test func `a tensor views a buffer from any aligned offset, and keeps it alive`() {
        var tensor: Tensor?
        do {
            let buffer = AlignedBuffer(byteCount: 16)
            _ = buffer.bytes.bindMemory(to: Float.self).initialize(from: [1, 2, 3, 4])
            tensor = Tensor([2], viewing: buffer, byteOffset: 8)
        }
        #expect(tensor?.scalars == [3, 4])
    }

    @Test func `reshaping keeps the scalars and shares the memory`() {
        let tensor = Tensor([2, 3], scalars: [1, 2, 3, 4, 5, 6])
        let reshaped = tensor.reshaped(to: [3, 2])
        #expect(reshaped.shape == [3, 2])
        #expect(reshaped.scalars == tensor.scalars)
        let addresses = [tensor, reshaped].map { $0.withUnsafeScalars { Int(bitPattern: $0.baseAddress) } }
        #expect(addresses[0] == addresses[1])
    }

    @Test func `slices are the parts along the first axis, and share the memory`() {
        let tensor = Tensor([2, 1, 3], scalars: [1, 2, 3, 4, 5, 6])
        let slices = tensor.slices
        #expect(slices.map(\.shape) == [[1, 3], [1, 3]])
        #expect(slices.map(\.scalars) == [[1, 2, 3], [4, 5, 6]])
        #expect(slices[1].slices[0].scalars == [4, 5, 6])
        let addresses = [tensor, slices[0]].map { $0.withUnsafeScalars { Int(bitPattern: $0.baseAddress) } }
        #expect(addresses[0] == addresses[1])
        #expect(Tensor([0, 3], scalars: []).slices.isEmpty)
    }

    @Test(arguments: [0, 1, 100, 4 << 20, 5_000_001])
    func `buffers are aligned for vectors, and large ones for huge pages`(_ byteCount: Int) {
        let buffer = AlignedBuffer(byteCount: byteCount)
        #expect(buffer.bytes.count == byteCount)
        let address = Int(bitPattern: buffer.bytes.baseAddress)
        #expect(address % (byteCount >= 4 << 20 ? 2 << 20 : 64) == 0)
    }

    @Test("A tensor from a pool outlives the pool's owner")
    func tensor() {
        var pool: BufferPool? = BufferPool(countLimit: 1)
        let tensor = Tensor([2, 3], from: pool) { $0.initialize(repeating: 7) }
        pool = nil
        #expect(tensor.scalars == Array(repeating: 7, count: 6))
    }
}
