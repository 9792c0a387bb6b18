import Files
import Inference

/// One float a parameter, kept from step to step and stored to resume a training: the layout is that of ``Parameters``.
public struct StateBuffer: Sendable {
    /// PyTorch's name for what it holds, as `exp_avg`.
    public let name: String
    /// The scalars' count, gaps included.
    public let count: Int
    private let storage: AlignedBuffer

    /// Zeros.
    public init(name: String, count: Int) {
        self.name = name
        self.count = count
        storage = AlignedBuffer(byteCount: count * MemoryLayout<Float>.stride)
        values.initialize(repeating: 0)
    }

    /// The scalars; written between steps by the training loop only.
    public var values: UnsafeMutableBufferPointer<Float> { storage.bytes.assumingMemoryBound(to: Float.self) }

    /// What is kept of one parameter, where it lies: it changes with every step.
    public func tensor(_ entry: Parameters.Entry) -> Tensor {
        Tensor(entry.shape, viewing: storage, byteOffset: entry.range.lowerBound * MemoryLayout<Float>.stride)
    }
}
