import Foundation

/// The whole picture at another size and place, as a product stands in a photo; around it lies its border's colour.
public struct RandomPlacement: Sendable, Hashable {
    /// The picture's side as a share of the input's; above 1 its margins are cut off.
    public var scale: ClosedRange<Double>
    /// By how much it is made wider than high.
    public var ratio: ClosedRange<Double>
    /// How far it may be moved beyond the input's edges, as a share of the input's side.
    public var overhang: Double

    /// - Precondition: the picture keeps at least a fifth of the input's side.
    public init(scale: ClosedRange<Double>, ratio: ClosedRange<Double> = 1...1, overhang: Double = 0) {
        precondition(
            scale.lowerBound >= 0.2 && ratio.lowerBound > 0.2 && ratio.upperBound < 5 && overhang >= 0,
            "scale \(scale), ratio \(ratio) or overhang \(overhang) is out of range")
        (self.scale, self.ratio, self.overhang) = (scale, ratio, overhang)
    }

    /// Draws what of the plane around the picture the network sees.
    func callAsFunction(
        height: Int, width: Int, using generator: inout SplitMix64
    ) -> (rows: Range<Double>, columns: Range<Double>) {
        let scale = generator.uniform(scale)
        let root = exp(generator.uniform(log(ratio.lowerBound)...log(ratio.upperBound)) / 2)
        return (
            range(of: Double(height), scale: scale / root, using: &generator),
            range(of: Double(width), scale: scale * root, using: &generator)
        )
    }

    private func range(of length: Double, scale: Double, using generator: inout SplitMix64) -> Range<Double> {
        let span = length / scale
        let reach = abs(span - length) / 2 + overhang * span
        let centre = length / 2 + generator.uniform(-reach...reach)
        return centre - span / 2..<centre + span / 2
    }
}
