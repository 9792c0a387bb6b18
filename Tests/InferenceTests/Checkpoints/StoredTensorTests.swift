import Files
import TestSupport
import Testing

@testable import Inference

@Suite(.timeLimit(.minutes(2)))
struct StoredTensorTests {
    /// The numbers 0, 1, 2 … as float32.
    private func storage(count: Int) -> ByteRegion {
        let buffer = AlignedBuffer(byteCount: count * 4)
        _ = buffer.bytes.bindMemory(to: Float.self).initialize(from: (0..<count).map(Float.init))
        return ByteRegion(buffer)
    }

    @Test func `Any strides give the elements that the definition of strides gives`() throws {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<300 {
            let extents = (0..<Int.random(in: 0...5, using: &generator)).map { _ in
                [1, 2, 3, 5, 33, 40].randomElement(using: &generator) ?? 1
            }
            guard extents.reduce(1, *) < 50_000 else { continue }
            let strides = extents.map { _ in Int.random(in: 0...40, using: &generator) }
            let offset = Int.random(in: 0...9, using: &generator)
            let count = zip(extents, strides).reduce(offset + 1) { $0 + ($1.0 - 1) * $1.1 }
            let tensor = try StoredTensor(
                name: "w", scalarType: .float32, extents: extents, strides: strides, storageOffset: offset,
                storage: storage(count: count))

            var expected = [Float(offset)]
            for (extent, stride) in zip(extents, strides) {
                expected = expected.flatMap { start in (0..<extent).map { start + Float($0 * stride) } }
            }
            #expect(tensor.tensor().scalars == expected, "sizes \(extents), strides \(strides)")
        }
    }

    @Test func `Strides of axes of extent one do not matter, and an empty tensor is contiguous`() throws {
        func isContiguous(_ extents: [Int], _ strides: [Int]) throws -> Bool {
            try StoredTensor(
                name: "w", scalarType: .float32, extents: extents, strides: strides, storageOffset: 0,
                storage: storage(count: 100)
            ).isContiguous
        }
        #expect(try isContiguous([], []))
        #expect(try isContiguous([2, 3], [3, 1]))
        #expect(try isContiguous([1, 3, 1], [99, 1, 77]))
        #expect(try isContiguous([2, 0, 3], [3, 3, 1]))
        #expect(try !isContiguous([2, 3], [1, 2]))
        #expect(try !isContiguous([2, 3], [4, 1]))
        #expect(try !isContiguous([3], [0]))
    }

    @Test func `The last element may be the storage's last but not beyond`() {
        func error(_ extents: [Int], _ strides: [Int], offset: Int = 0) -> CheckpointError? {
            do throws(CheckpointError) {
                _ = try StoredTensor(
                    name: "w", scalarType: .float32, extents: extents, strides: strides, storageOffset: offset,
                    storage: storage(count: 6))
                return nil
            } catch { return error }
        }
        #expect(error([6], [1]) == nil)
        #expect(error([2], [5]) == nil)
        #expect(error([], [], offset: 5) == nil)
        #expect(error([0], [1], offset: 6) == nil)
        #expect(error([2], [6]) == .outOfBounds(name: "w", lastElement: 6, storageElementCount: 6))
        #expect(error([], [], offset: 6) == .outOfBounds(name: "w", lastElement: 6, storageElementCount: 6))
        #expect(error([0], [1], offset: 7) == .outOfBounds(name: "w", lastElement: 7, storageElementCount: 6))
        #expect(error([3, .max], [.max, 0]) != nil)
        #expect(error([3], [.max]) == .outOfBounds(name: "w", lastElement: .max, storageElementCount: 6))
    }
}

/// The check that all weights are finite.
@Suite(.timeLimit(.minutes(2)))
struct TensorFiniteTests {
    @Test(arguments: [0, 1, 4095, 4096, 8191, 9999])
    func `The first value that is not finite is found at any index`(_ index: Int) {
        for value in [Float.infinity, -.infinity, .nan, -.nan, .signalingNaN] {
            var scalars = [Float](repeating: .greatestFiniteMagnitude, count: 10_000)
            scalars[index] = value
            scalars[9999] = .nan
            #expect(Tensor([10_000], scalars: scalars).firstNonFiniteIndex == index)
        }
    }

    @Test func `Every finite value passes`() throws {
        let scalars: [Float] = [
            0, -0.0, 1, -1, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, .leastNormalMagnitude,
            .greatestFiniteMagnitude, -.greatestFiniteMagnitude,
        ]
        let tensor = Tensor([9], scalars: scalars)
        #expect(tensor.firstNonFiniteIndex == nil)
        try tensor.checkFinite(name: "w")
        #expect(Tensor([0], scalars: []).firstNonFiniteIndex == nil)
    }

    @Test func `The error names the tensor, the index and the value`() {
        #expect(throws: CheckpointError.nonFinite(name: "fc.bias", index: 2, value: "nan")) {
            try Tensor([3], scalars: [1, 2, .nan]).checkFinite(name: "fc.bias")
        }
        #expect(throws: CheckpointError.nonFinite(name: "fc.bias", index: 0, value: "-inf")) {
            try Tensor([1], scalars: [-.infinity]).checkFinite(name: "fc.bias")
        }
    }
}
