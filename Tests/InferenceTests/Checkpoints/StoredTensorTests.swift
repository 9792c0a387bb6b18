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

    @Test func `A quantized weight is its signed bytes times the scales of its rows`() throws {
        let numbers: [Int8] = [-128, -127, 0, 1, 2, 127]
        let buffer = AlignedBuffer(byteCount: numbers.count)
        buffer.bytes.copyBytes(from: numbers.map(UInt8.init(bitPattern:)))
        let tensor = StoredTensor(quantized: ByteRegion(buffer), shape: [3, 2], rowScales: [0.5, 0.1, 3])
        let expected: [Float] = [-64, -63.5, 0, 0.1, 6, 381]
        #expect(tensor.isQuantized)
        #expect(tensor.tensor().scalars == expected)
        #expect(tensor.ownTensor().scalars == expected)
        #expect(tensor.reshaped(to: [3, 1, 2, 1])?.tensor().scalars == expected)
        #expect(tensor.reshaped(to: [2, 3]) == nil, "its rows have other scales")
        for range in [0..<3, 0..<1, 1..<3] {
            tensor.withRows(range) { rows in
                #expect(
                    Array(UnsafeBufferPointer(start: rows, count: 2 * range.count))
                        == Array(expected[2 * range.lowerBound..<2 * range.upperBound]))
            }
        }
    }

    @Test func `A quantized weight is certainly finite up to the largest scale whose products are`() {
        func isFinite(_ scale: Float) -> Bool {
            let buffer = AlignedBuffer(byteCount: 1)
            buffer.bytes[0] = 1
            return StoredTensor(quantized: ByteRegion(buffer), shape: [1, 1], rowScales: [scale]).isCertainlyFinite
        }
        let largest = Float.greatestFiniteMagnitude / 128
        #expect(isFinite(largest) && isFinite(-largest) && isFinite(0) && isFinite(.leastNonzeroMagnitude))
        #expect(!isFinite(largest.nextUp) && !isFinite(-largest.nextUp) && !isFinite(.infinity) && !isFinite(.nan))
    }

    @Test func `A copy in its own memory is no view of the file`() throws {
        let region = storage(count: 6)
        let tensor = try StoredTensor(
            name: "w", scalarType: .float32, extents: [2, 3], strides: [3, 1], storageOffset: 0, storage: region)
        let (view, own) = (tensor.tensor(), tensor.ownTensor())
        region.buffer.bytes.storeBytes(of: Float(9), as: Float.self)
        #expect(view.scalars.first == 9)
        #expect(own.scalars == [0, 1, 2, 3, 4, 5])
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
