import Testing

@testable import Inference

@Suite(.timeLimit(.minutes(2)))
struct PyTorchReaderTests {
    /// One hostile file for each thing that can be wrong, and the error it must be refused with.
    static let refusals: [String: CheckpointError] = [
        "tensor-duplicate.pth": .duplicateTensor(name: "w"),
        "tensor-element-overflow.pth": .invalidLayout(
            name: "w", found: "sizes [4611686018427387904, 4]", expected: "a product of at most 63 bits"),
        "tensor-empty-outside.pth": .outOfBounds(name: "w", lastElement: 7, storageElementCount: 6),
        "tensor-empty-overflow.pth": .invalidLayout(
            name: "w", found: "sizes [0, 4611686018427387904, 4]", expected: "a product of at most 63 bits"),
        "tensor-huge-number.pth": .invalidPickle(
            offset: 187, found: "a number", expected: "an integer"),
        "tensor-negative-offset.pth": .invalidLayout(
            name: "w", found: "sizes [2, 3], strides [3, 1] and offset -1", expected: "no negative number"),
        "tensor-negative-size.pth": .invalidLayout(
            name: "w", found: "sizes [-2, 3], strides [3, 1] and offset 0", expected: "no negative number"),
        "tensor-negative-stride.pth": .invalidLayout(
            name: "w", found: "sizes [6], strides [-1] and offset 5", expected: "no negative number"),
        "tensor-offset-outside.pth": .outOfBounds(name: "w", lastElement: 6, storageElementCount: 6),
        "tensor-overflow.pth": .outOfBounds(name: "w", lastElement: .max, storageElementCount: 6),
        "tensor-size-outside.pth": .outOfBounds(name: "w", lastElement: 8, storageElementCount: 6),
        "tensor-storage-long.pth": .storageSizeMismatch(record: "a/data/0", found: 48, expected: 24),
        "tensor-storage-missing.pth": .missingRecord(record: "a/data/../data.pkl"),
        "tensor-storage-negative.pth": .invalidPickle(
            offset: 102, found: "a persistent id of 5 values", expected: "the id of a storage"),
        "tensor-storage-numel.pth": .storageSizeMismatch(record: "a/data/0", found: 24, expected: .max),
        "tensor-storage-short.pth": .storageSizeMismatch(record: "a/data/0", found: 20, expected: 24),
        "tensor-stride-outside.pth": .outOfBounds(name: "w", lastElement: 6, storageElementCount: 6),
        "tensor-strides-missing.pth": .invalidLayout(
            name: "w", found: "strides [1]", expected: "one for each of the sizes [2, 3]"),
    ]

    /// Files whose tensors repeat elements, and the tensor at which there are too many.
    static let repeated = ["tensor-expanded-often.pth": "w1", "tensor-expanded.pth": "w"]

    @Test(arguments: repeated.sorted { $0.key < $1.key })
    func `A tensor of more elements than the file's memory budget allows is refused`(_ name: String, _ tensor: String)
        throws
    {
        let bytes = try CheckpointFixtures.bytes(name, in: CheckpointFixtures.hostile)
        guard case .memoryLimit(let what, let needed, let limit)? = Checkpoint.error(of: bytes) else {
            Issue.record("\(String(describing: Checkpoint.error(of: bytes)))")
            return
        }
        #expect(what == "float32 up to tensor \(tensor)")
        #expect(limit == 64 << 20 + 8 * bytes.count && needed > limit)
    }

    @Test(arguments: refusals.keys.sorted())
    func `A tensor that does not fit its storage is refused`(_ name: String) throws {
        let bytes = try CheckpointFixtures.bytes(name, in: CheckpointFixtures.hostile)
        #expect(Checkpoint.error(of: bytes) == Self.refusals[name])
    }
}
