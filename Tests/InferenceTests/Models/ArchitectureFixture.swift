import Files

@testable import Inference

/// One row of `Fixtures/Networks/architectures.json`: what torchvision's network of that name has.
struct ArchitectureFixture: Decodable, CustomStringConvertible, Sendable {
    let name: String
    let parameterCount: Int
    let tensorCount: Int
    /// See ``digest(of:)``.
    let digest: String

    var description: String { name }

    static let all =
        (try? FixtureFile.decode([ArchitectureFixture].self, from: "Networks/architectures.json")) ?? []

    /// FNV-1a over names and shapes, as `make_classics.py` beside the fixture has it.
    static func digest(of tensors: [(name: String, shape: Shape)]) -> String {
        let lines = tensors.map { "\($0.name) \($0.shape.extents.map(String.init).joined(separator: ","))\n" }
        var value: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in lines.sorted().joined().utf8 { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

extension StoredTensors {
    /// Tensors of these names and shapes that are one number each, repeated: a whole network without its memory.
    init(repeating value: Float = 0, _ tensors: [(name: String, shape: Shape)]) throws {
        self.init()
        let storage = AlignedBuffer(byteCount: MemoryLayout<Float>.stride)
        storage.bytes.storeBytes(of: value, as: Float.self)
        for (name, shape) in tensors {
            try append(
                StoredTensor(
                    name: name, scalarType: .float32, extents: shape.extents,
                    strides: [Int](repeating: 0, count: shape.rank), storageOffset: 0, storage: ByteRegion(storage)),
                name: name)
        }
    }
}
