import Files
import Inference

/// A network's trainable parameters. One contiguous block of memory holds all weights and biases, and another of the
/// same layout their gradients.
///
/// An optimiser's step is therefore one pass over memory, independent of the layers.
public final class Parameters: @unchecked Sendable {  // guard: written between steps by the training loop only
    /// One parameter.
    public struct Entry: Sendable, Equatable {
        /// torchvision's key, such as `features.0.weight`.
        public let name: String
        /// The shape as in PyTorch: kernels `[O, I, KH, KW]`, linear weights `[O, I]`, biases `[O]`.
        public let shape: Shape
        /// The range of its scalars in ``Parameters/values`` and ``Parameters/gradients``.
        public let range: Range<Int>
    }

    /// The parameters in the network's order; each begins at a multiple of sixteen scalars.
    public let entries: [Entry]
    /// The number of scalars, including padding.
    public let count: Int
    private let valueStorage: AlignedBuffer
    private let gradientStorage: AlignedBuffer

    /// Parameters with these names and shapes, all zero.
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

    /// The parameter of this name; nil if there is none.
    public subscript(name: String) -> Entry? { entries.first { $0.name == name } }

    /// A view of one parameter's values. It changes with every step.
    public func tensor(_ entry: Entry) -> Tensor {
        Tensor(entry.shape, viewing: valueStorage, byteOffset: entry.range.lowerBound * MemoryLayout<Float>.stride)
    }
}

extension Parameters {
    /// The ranges of the parameters for which `isIncluded` is true. Neighbouring ranges are merged, including the
    /// padding between them.
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
