import Files
import Inference

/// Pictures as the network takes them, with their classes.
public struct Batch: Sendable {
    /// Which batch of the epoch it is, whether or not others were handed out before it.
    public let number: Int
    /// Which pictures of the data set it holds, without those that could not be read.
    public let indices: [Int]
    /// The classes of these.
    public let labels: [Int]
    /// The inputs one behind the other, and perhaps unused memory behind them. The memory is used again once nobody holds
    /// the batch.
    public let images: AlignedBuffer
    /// Shape: `[N, H, W, C]`
    public let shape: Shape

    /// How many pictures there are: at least one.
    public var count: Int { indices.count }

    /// The inputs where they lie.
    public var tensor: Tensor { Tensor(shape, viewing: images, byteOffset: 0) }

    /// The same as plain memory.
    public var scalars: UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(rebasing: images.bytes.bindMemory(to: Float.self)[..<shape.elementCount])
    }
}
