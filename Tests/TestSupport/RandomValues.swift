import Inference

/// A reproducible sequence of values in −1…1.
public struct RandomValues {
    private var state: UInt64

    /// The same seed gives the same values.
    public init(seed: UInt64) { state = seed }

    /// The next value.
    public mutating func next() -> Float {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return Float((z ^ (z >> 31)) >> 40) * 0x1p-23 - 1
    }

    /// A tensor of the next values.
    public mutating func tensor(_ shape: Shape) -> Tensor {
        Tensor(shape, scalars: (0..<shape.elementCount).map { _ in next() })
    }
}
