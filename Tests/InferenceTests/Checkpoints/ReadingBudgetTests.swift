import Files
import Testing

@testable import Inference

/// The memory that reading a checkpoint may take.
@Suite(.timeLimit(.minutes(2)))
struct ReadingBudgetTests {
    private static let floor = ReadingBudget.floorByteCount

    @Test func `The budget is a constant plus eight times the size of the file, and grows with further files`() throws {
        let budget = ReadingBudget(fileByteCount: 100)
        #expect(budget.limit == Self.floor + 800)
        try budget.charge(Self.floor + 800, for: "a list")
        #expect(
            throws: CheckpointError.memoryLimit(what: "a list", needed: Self.floor + 801, limit: Self.floor + 800)
        ) { try budget.charge(1, for: "a list") }
        budget.grow(fileByteCount: 1)
        try budget.charge(8, for: "a list")
        #expect(throws: CheckpointError.self) { try budget.charge(1, for: "a list") }
        #expect(throws: CheckpointError.memoryLimit(what: "x", needed: .max, limit: Self.floor + 808)) {
            try budget.charge(.max, for: "x")
        }
        #expect(ReadingBudget(fileByteCount: .max).limit == .max)
    }

    @Test func `Capacity is charged before it is allocated`() throws {
        let budget = ReadingBudget(fileByteCount: 0)
        var numbers: [Int] = []
        try numbers.reserve(3, from: budget, for: "numbers")
        #expect(budget.byteCount == 3 * 8 + ReadingBudget.allocationByteCount)
        #expect(numbers.capacity >= 3)
        let before = budget.byteCount
        try numbers.reserve(1, from: budget, for: "numbers")
        #expect(budget.byteCount == before)
        #expect(throws: CheckpointError.self) { try numbers.reserve(Self.floor / 8, from: budget, for: "numbers") }
        #expect(numbers.capacity < 100)
    }

    @Test(arguments: bombs.keys.sorted())
    func `A small file that asks for much memory is refused, or stays within the budget`(_ name: String) throws {
        let bytes = try CheckpointFixtures.bytes(name, in: CheckpointFixtures.hostile)
        switch Checkpoint.error(of: bytes) {
        case .memoryLimit(_, let needed, let limit):
            #expect(Self.bombs[name] == "")
            #expect(limit == Self.floor + 8 * bytes.count)
            #expect(needed > limit)
        case let error: #expect(error?.description == Self.bombs[name])
        }
    }

    /// Nothing where the budget ends the reading, or the sentence of another refusal. For what there is no budget left depends on
    /// the allocator's rounding.
    static let bombs: [String: String] = [
        "bomb-appended-often.pth": "",
        "bomb-appended.pth": "",
        "bomb-arrays.pth": "",
        "bomb-bytes.pth": "",
        "bomb-dictionaries.pth": "",
        "bomb-encoded.pth": "the checkpoint has 120000 bytes of encoded text, and at most 68041 are allowed",
        "bomb-extensions.pth": "",
        "bomb-globals.pth": "",
        "bomb-lists-of-one.pth": "",
        "bomb-lists.pth": "",
        "bomb-marks.pth": "the pickle has an empty stack at offset 4000002 where a value is expected",
        "bomb-memo.pth": "",
        "bomb-objects.pth": "",
        "bomb-pairs.pth": "",
        "bomb-sets.pth": "",
        "bomb-stack.pth": "",
        "bomb-storages-of-zeros.pth": "",
        "bomb-storages.pth": "",
        "bomb-tensors.pth": "",
        "bomb-tuples.pth":
            "the pickle holds a tuple where a dictionary of tensors is expected: save model.state_dict()",
        "bomb-wide-tuples.pth": "",
        "pickle-copies.pth": "",
    ]

    /// A pickle of parts that are numbered.
    private func pickle(_ head: String, _ count: Int, _ tail: String, _ part: (Int) -> [UInt8]) -> ByteRegion {
        ByteRegion(AlignedBuffer(Array(head.utf8) + (0..<count).flatMap(part) + Array(tail.utf8)))
    }

    @Test func `Texts, keys and memo entries are charged`() {
        func text(_ index: Int) -> [UInt8] { Array("V\(index)\(String(repeating: "x", count: 150))\n".utf8) }
        let budget = { ReadingBudget(fileByteCount: 0) }
        #expect(throws: CheckpointError.self) {
            try PickleMachine.run(pickle("", 400_000, ".", text), budget: budget())
        }
        #expect(throws: CheckpointError.self) {
            try PickleMachine.run(pickle("}(", 400_000, "u.") { text($0) + [0x4E] }, budget: budget())
        }
        #expect(throws: CheckpointError.self) {
            try PickleMachine.run(
                pickle("N", 600_000, ".") { index in
                    [0x72] + withUnsafeBytes(of: UInt32(truncatingIfNeeded: index &* 40_503).littleEndian, Array.init)
                }, budget: budget())
        }
    }

    @Test func `A history of a million numbers beside the weights is within the budget of its file`() throws {
        // As protocol 2 writes a list of floats: batches of a thousand.
        let batch: [UInt8] =
            [0x28] + [[UInt8]](repeating: [0x47] + [UInt8](repeating: 0, count: 8), count: 1000).joined() + [0x65]
        let (root, heap) = try PickleMachine.run(pickle("]", 1000, ".") { _ in batch })
        guard case .list(let index) = root else {
            Issue.record("\(root)")
            return
        }
        #expect(heap.lists[index].count == 1_000_000)
    }

    @Test func `Tuples keep no more memory than their items`() throws {
        let (root, heap) = try PickleMachine.run(
            ByteRegion(AlignedBuffer(Array(("((" + String(repeating: "N", count: 5000) + "tNt.").utf8))))
        #expect("\(root)" == "tuple(1)")
        #expect(heap.tuples[1].count == 2)
        #expect(heap.tuples[1].capacity < 8)
    }

    @Test func `Names in headers and indexes are charged`() {
        let names = (0..<200).map { "\"t\($0)\": {\"dtype\": \"F32\", \"shape\": [], \"data_offsets\": [0, 0]}" }
        let header = ByteRegion(AlignedBuffer(Array("{\(names.joined(separator: ","))}".utf8)))
        let budget = ReadingBudget(fileByteCount: 0)
        #expect(throws: Never.self) { try SafetensorsHeader(header, budget: budget) }
        #expect(budget.byteCount > 200 * 256 + 2 * header.count)
        #expect(throws: Never.self) { try budget.charge(budget.limit - budget.byteCount, for: "all") }
        #expect(throws: CheckpointError.self) { try SafetensorsHeader(header, budget: budget) }
        let index = ByteRegion(AlignedBuffer(Array("{\"weight_map\": {\"w\": \"a\"}}".utf8)))
        #expect(throws: CheckpointError.self) { try ShardIndex(index, budget: budget) }
        #expect(throws: Never.self) { try ShardIndex(index) }
    }
}
