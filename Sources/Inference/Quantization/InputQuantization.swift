/// How a layer's input is quantized to unsigned bytes: byte = clamp(round(value / scale) + zeroPoint, 0, 255).
///
/// Numbers are rounded to nearest, ties to even. A byte stands for the value (byte − zeroPoint) · scale, so zero is exact:
/// padding adds no error.
/// - Source: Jacob et al. 2017, arXiv:1712.05877, §2.1.
public struct InputQuantization: Sendable, Equatable {
    /// The difference of the values of two neighbouring bytes; positive and finite.
    public let scale: Float
    /// The byte that stands for zero. It is 0 for inputs without negative values, such as those after a ReLU.
    public let zeroPoint: UInt8

    /// A quantization as it is stored; nil if the scale is not a positive normal number whose inverse is finite.
    init?(scale: Float, zeroPoint: UInt8) {
        guard scale >= Float.leastNormalMagnitude, scale.isFinite, (1 / scale).isNormal else { return nil }
        self.scale = scale
        self.zeroPoint = zeroPoint
    }

    /// The quantization whose bytes cover a range of values, extended to include zero.
    ///
    /// A range without extent has scale 1: all of its values are zero.
    public init(range: ClosedRange<Float>) {
        let (least, most) = (min(range.lowerBound, 0), max(range.upperBound, 0))
        let extent = (Double(most) - Double(least)) / 255
        let scale = Float(extent)
        guard scale >= Float.leastNormalMagnitude, scale.isFinite, (1 / scale).isNormal else {
            self.scale = 1
            zeroPoint = 0
            return
        }
        self.scale = scale
        zeroPoint = UInt8(clamping: Int((-Double(least) / extent).rounded()))
    }

    /// The factor that the kernels multiply values by.
    var inverseScale: Float { 1 / scale }

    /// The value that a byte stands for.
    func value(of byte: UInt8) -> Float { Float(Int(byte) - Int(zeroPoint)) * scale }

    /// The byte of a value.
    func byte(of value: Float) -> UInt8 {
        // In float32 and in this order, as the kernels compute it.
        let zero = Float(zeroPoint)
        let steps = min(max(value * inverseScale, -zero), 255 - zero)
        return UInt8(steps.rounded(.toNearestOrEven) + zero)
    }
}
