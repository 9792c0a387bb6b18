import Files
import Inference

/// What a network learns: every weight and bias, one behind the other in one stretch of memory, and their gradients in
/// another of the same layout.
///
/// So an optimiser is one pass over numbers, whatever the layers are.
public final class Parameters: @unchecked Sendable {  // guard: written between steps by the training loop only
    /// One parameter's place.
    public struct Entry: Sendable, Equatable {
        /// torchvision's key, as `features.0.weight`.
        public let name: String
        /// PyTorch's: kernels `[O, I, KH, KW]`, linear weights `[O, I]`, biases `[O]`.
        public let shape: Shape
        /// Where its scalars lie in ``Parameters/values`` and ``Parameters/gradients``.
        public let range: Range<Int>
    }

    /// In the network's order; each begins at a multiple of sixteen.
    public let entries: [Entry]
    /// From the first entry's start to the last one's end, gaps included.
    public let count: Int
    private let valueStorage: AlignedBuffer
    private let gradientStorage: AlignedBuffer

    /// Memory for parameters of these names and shapes, all zero.
    public init(_ parameters: [(name: String, shape: Shape)]) {
        var entries: [Entry] = []
        var end = 0
        for (name, shape) in parameters {
            let start = (end + 15) / 16 * 16
            end = start + shape.elementCount
            entries.append(Entry(name: name, shape: shape, range: start..<end))
        }
        self.entries = entries
        count = (end + 15) / 16 * 16
        valueStorage = AlignedBuffer(byteCount: count * MemoryLayout<Float>.stride)
        gradientStorage = AlignedBuffer(byteCount: count * MemoryLayout<Float>.stride)
        values.initialize(repeating: 0)
        gradients.initialize(repeating: 0)
    }

    /// Memory for the weights and biases of a network's layers, all zero.
    convenience init(of network: Network) {
        self.init(
            network.nodes.flatMap { node in
                zip(["weight", "bias"], node.layer.parameters).map { ("\(node.name).\($0)", $1.shape) }
            })
    }

    /// The entries of one layer.
    func entries(of layer: String) -> [Entry] { entries.filter { $0.name.hasPrefix(layer + ".") } }

    /// All values; zeros lie in the gaps.
    public var values: UnsafeMutableBufferPointer<Float> { valueStorage.bytes.assumingMemoryBound(to: Float.self) }

    /// All gradients; zeros lie in the gaps.
    public var gradients: UnsafeMutableBufferPointer<Float> {
        gradientStorage.bytes.assumingMemoryBound(to: Float.self)
    }

    /// The entry of that name.
    public subscript(name: String) -> Entry? { entries.first { $0.name == name } }

    /// One parameter's scalars where they lie: they change with every step.
    public func tensor(_ entry: Entry) -> Tensor {
        Tensor(entry.shape, viewing: valueStorage, byteOffset: entry.range.lowerBound * MemoryLayout<Float>.stride)
    }
}
