import Files
import Inference

/// A network's trainable parameters: all weights and biases in one contiguous block of memory, and their gradients in
/// another of the same layout.
///
/// An optimiser's step is therefore one pass over numbers, whatever the layers are.
public final class Parameters: @unchecked Sendable {  // guard: written between steps by the training loop only
    /// One parameter.
    public struct Entry: Sendable, Equatable {
        /// torchvision's key, as `features.0.weight`.
        public let name: String
        /// PyTorch's shape: kernels `[O, I, KH, KW]`, linear weights `[O, I]`, biases `[O]`.
        public let shape: Shape
        /// The position of its scalars in ``Parameters/values`` and ``Parameters/gradients``.
        public let range: Range<Int>
    }

    /// The parameters in the network's order; each begins at a multiple of sixteen scalars.
    public let entries: [Entry]
    /// The number of scalars, padding included.
    public let count: Int
    private let valueStorage: AlignedBuffer
    private let gradientStorage: AlignedBuffer

    /// Parameters of these names and shapes, all zero.
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

    /// The weights and biases of a network's layers, all zero.
    convenience init(of network: Network) {
        self.init(
            network.nodes.flatMap { node in
                zip(["weight", "bias"], node.layer.parameters).map { ("\(node.name).\($0)", $1.shape) }
            })
    }

    /// The entries of one layer.
    func entries(of layer: String) -> [Entry] { entries.filter { $0.name.hasPrefix(layer + ".") } }

    /// The values of all parameters; the padding is zero.
    public var values: UnsafeMutableBufferPointer<Float> { valueStorage.bytes.assumingMemoryBound(to: Float.self) }

    /// The gradients of all parameters; the padding is zero.
    public var gradients: UnsafeMutableBufferPointer<Float> {
        gradientStorage.bytes.assumingMemoryBound(to: Float.self)
    }

    /// The parameter of this name; nil where there is none.
    public subscript(name: String) -> Entry? { entries.first { $0.name == name } }

    /// One parameter's values, viewed in place: they change with every step.
    public func tensor(_ entry: Entry) -> Tensor {
        Tensor(entry.shape, viewing: valueStorage, byteOffset: entry.range.lowerBound * MemoryLayout<Float>.stride)
    }
}

extension Parameters {
    /// The ranges of the parameters for which `isIncluded` is true. Neighbours are merged, with the padding between
    /// them.
    public func ranges(where isIncluded: (Entry) -> Bool) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var wasIncluded = false
        for entry in entries {
            let isIncluded = isIncluded(entry)
            if isIncluded, wasIncluded, let last = ranges.popLast() {
                ranges.append(last.lowerBound..<entry.range.upperBound)
            } else if isIncluded {
                ranges.append(entry.range)
            }
            wasIncluded = isIncluded
        }
        return ranges
    }
}
