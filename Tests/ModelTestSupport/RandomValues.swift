import Inference
import TestSupport

/// A reproducible sequence of values in −1…1.
public struct RandomValues {
    private var generator: SeededGenerator

    /// The same seed gives the same values.
    public init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    /// The next value.
    public mutating func next() -> Float { Float(generator.next() >> 40) * 0x1p-23 - 1 }

    /// A tensor of the next values.
    public mutating func tensor(_ shape: Shape) -> Tensor {
        Tensor(shape, scalars: (0..<shape.elementCount).map { _ in next() })
    }
}
