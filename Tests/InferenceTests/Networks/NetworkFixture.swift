import Files
import Foundation
@testable import Inference

/// One row of `Fixtures/Networks/networks.json` or `classics.json`: a network whose weights and inputs come from a formula, and the logits
/// that PyTorch answers in float64.
struct NetworkFixture: Decodable, CustomStringConvertible, Sendable {
    struct Parameter: Decodable, Sendable {
        let name: String
        let shape: [Int]
        let scale: Float
        /// What is added to each value.
        let offset: Float?
        /// By which the formula knows the tensor, where that is not its place.
        let number: Int?
        /// The other spelling of the name that is in circulation.
        let otherName: String?
    }

    struct Normalization: Decodable, Sendable {
        let size: Int
        let alpha: Float
        let beta: Float
        let k: Float
        let alphaDividedBySize: Bool
    }

    let name: String
    let form: String
    let inputShape: [Int]
    let inputScale: Float
    let localResponseNorm: Normalization?
    let activation: String?
    let pooling: String?
    let transformInput: Bool?
    let tensors: [Parameter]
    let logits: [[Float]]

    var description: String { name }

    static let all = (try? FixtureFile.decode([NetworkFixture].self, from: "Networks/networks.json")) ?? []

    /// The other classics.
    static let classics = (try? FixtureFile.decode([NetworkFixture].self, from: "Networks/classics.json")) ?? []

    /// Parts of networks, whose flattened output stands for the logits.
    static let blocks = (try? FixtureFile.decode([NetworkFixture].self, from: "Networks/blocks.json")) ?? []

    /// What `model.json` would say.
    var options: ArchitectureOptions {
        var options = ArchitectureOptions()
        options.activation = activation.flatMap(ArchitectureOptions.Nonlinearity.init)
        options.pooling = pooling.flatMap(ArchitectureOptions.Pooling.init)
        options.transformsInput = transformInput ?? false
        if let norm = localResponseNorm {
            options.localResponseNorm = .described(
                LocalResponseNormParameters(
                    size: norm.size, alpha: norm.alpha, beta: norm.beta, k: norm.k,
                    convention: norm.alphaDividedBySize ? .caffe : .tensorflow))
        }
        return options
    }

    /// A safetensors file with these weights, as a user would have it.
    func checkpoint(usingOtherNames: Bool = false) -> AlignedBuffer {
        var header = "{"
        var offset = 0
        for tensor in tensors {
            let name = usingOtherNames ? tensor.otherName ?? tensor.name : tensor.name
            let byteCount = tensor.shape.reduce(4, *)
            header += offset == 0 ? "" : ","
            header +=
                "\"\(name)\":{\"dtype\":\"F32\",\"shape\":\(tensor.shape),\"data_offsets\":[\(offset),\(offset + byteCount)]}"
            offset += byteCount
        }
        header += "}"
        header += String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
        let file = AlignedBuffer(byteCount: 8 + header.utf8.count + offset)
        file.bytes.storeBytes(of: UInt64(header.utf8.count).littleEndian, as: UInt64.self)
        UnsafeMutableRawBufferPointer(rebasing: file.bytes[8...]).copyBytes(from: header.utf8)
        var values = UnsafeMutableRawBufferPointer(rebasing: file.bytes[(8 + header.utf8.count)...])
            .bindMemory(to: Float.self)[...]
        for (number, tensor) in tensors.enumerated() {
            let count = tensor.shape.reduce(1, *)
            Self.fill(
                UnsafeMutableBufferPointer(rebasing: values.prefix(count)), number: tensor.number ?? number,
                scale: tensor.scale, offset: tensor.offset ?? 0)
            values = values.dropFirst(count)
        }
        return file
    }

    /// Shape: `[C, H, W]` each.
    var inputs: [Tensor] {
        (0..<inputShape[0]).map { image in
            Tensor(Shape(Array(inputShape.dropFirst()))) {
                Self.fill($0, number: 1000 + image, scale: inputScale)
            }
        }
    }

    /// splitmix64 of tensor number and index, as `make.py` beside the fixture has it.
    private static func fill(_ values: UnsafeMutableBufferPointer<Float>, number: Int, scale: Float, offset: Float = 0)
    {
        let first = UInt64(number) << 40
        for index in values.indices {
            let z = Mix64.mix(first &+ UInt64(index) &+ Mix64.increment)
            values.initializeElement(at: index, to: (Float(z >> 40) * 0x1p-24 - 0.5) * scale + offset)
        }
    }
}

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
