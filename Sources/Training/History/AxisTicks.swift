import Foundation

/// Round numbers along an axis: their distance is 1, 2 or 5 times a power of ten.
struct AxisTicks: Equatable {
    /// The axis begins at the first and ends at the last.
    let values: [Double]
    /// Digits after the point that the values need.
    let decimalCount: Int

    /// Ticks that cover a range, about as many as asked for.
    ///
    /// Limits: the range's bounds are finite, and so is the distance between them.
    init(covering range: ClosedRange<Double>, count: Int) {
        let range = Self.widened(range)
        let step = Self.roundStep(atLeast: (range.upperBound - range.lowerBound) / Double(count))
        let first = (range.lowerBound / step.value).rounded(.down)
        let last = max((range.upperBound / step.value).rounded(.up), first + 1)
        values = (0...Int(last - first)).map { (first + Double($0)) * step.value }
        decimalCount = max(0, -step.exponent)
    }

    /// Whole numbers within a range, its first among them, at most one more than asked for.
    ///
    /// Limits: numbers from 1 to a million million.
    init(countingWithin range: ClosedRange<Int>, count: Int) {
        let step = max(1, Int(Self.roundStep(atLeast: Double(range.count) / Double(count)).value.rounded(.up)))
        let second = (range.lowerBound / step + 1) * step
        let values = [range.lowerBound] + stride(from: second, through: range.upperBound, by: step)
        self.values = values.map(Double.init)
        decimalCount = 0
    }

    /// Something around values that are all alike, or almost.
    private static func widened(_ range: ClosedRange<Double>) -> ClosedRange<Double> {
        let scale = max(abs(range.lowerBound), abs(range.upperBound))
        if scale == 0 { return 0...1 }
        guard range.upperBound - range.lowerBound < scale * 1e-6 else { return range }
        return range.lowerBound - scale * 0.05...range.upperBound + scale * 0.05
    }

    /// The value as it is written at the axis.
    func label(_ value: Double) -> String { String(format: "%.\(decimalCount)f", value) }

    private static func roundStep(atLeast least: Double) -> (value: Double, exponent: Int) {
        let exponent = log10(least).rounded(.down)
        let power = pow(10, exponent)
        for factor in [1.0, 2, 5] where factor * power >= least * (1 - 1e-9) { return (factor * power, Int(exponent)) }
        return (10 * power, Int(exponent) + 1)
    }
}
