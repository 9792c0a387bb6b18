import Foundation

/// A crop of random area and aspect ratio, stretched to the network's input: torchvision's `RandomResizedCrop`.
///
/// - Source: Szegedy et al. 2014, §6; torchvision `RandomResizedCrop.get_params`
public struct RandomResizedCrop: Sendable, Hashable {
    /// The crop's area as a share of the image's area, 0…1.
    public var area: ClosedRange<Double>
    /// The crop's aspect ratio: width / height.
    public var ratio: ClosedRange<Double>

    private static let attempts = 10

    /// A random crop; the defaults are torchvision's ranges.
    public init(area: ClosedRange<Double> = 0.08...1, ratio: ClosedRange<Double> = 3.0 / 4...4.0 / 3) {
        precondition(area.lowerBound > 0 && ratio.lowerBound > 0, "areas and ratios are positive: \(area), \(ratio)")
        (self.area, self.ratio) = (area, ratio)
    }

    /// Draws the crop's rows and columns for an image of this size.
    func callAsFunction(
        height: Int, width: Int, using generator: inout SplitMix64
    ) -> (rows: Range<Int>, columns: Range<Int>) {
        let logarithms = log(ratio.lowerBound)...log(ratio.upperBound)
        for _ in 0..<Self.attempts {
            let target = Double(height * width) * generator.uniform(area)
            let ratio = exp(generator.uniform(logarithms))
            let columns = Int((target * ratio).squareRoot().rounded(.toNearestOrEven))
            let rows = Int((target / ratio).squareRoot().rounded(.toNearestOrEven))
            if (1...width).contains(columns), (1...height).contains(rows) {
                let top = generator.index(below: height - rows + 1)
                let left = generator.index(below: width - columns + 1)
                return (top..<top + rows, left..<left + columns)
            }
        }
        return centre(height: height, width: width)
    }

    /// The fallback if no crop fits: the largest central crop within the range of aspect ratios.
    func centre(height: Int, width: Int) -> (rows: Range<Int>, columns: Range<Int>) {
        let proportion = Double(width) / Double(height)
        var (rows, columns) = (height, width)
        if proportion < ratio.lowerBound {
            rows = max(1, Int((Double(width) / ratio.lowerBound).rounded(.toNearestOrEven)))
        } else if proportion > ratio.upperBound {
            columns = max(1, Int((Double(height) * ratio.upperBound).rounded(.toNearestOrEven)))
        }
        let (top, left) = ((height - rows) / 2, (width - columns) / 2)
        return (top..<top + rows, left..<left + columns)
    }
}

/// The whole image at a random size and position in the input, like a product in a photo. The rest is filled with the
/// colour of the image's border.
public struct RandomPlacement: Sendable, Hashable {
    /// The image's side as a share of the input's side; above 1, its margins are cropped.
    public var scale: ClosedRange<Double>
    /// The factor by which the aspect ratio (width / height) changes.
    public var ratio: ClosedRange<Double>
    /// How far the image may extend beyond the input's edges, as a share of the input's side.
    public var overhang: Double

    /// - Precondition: the image's side is at least a fifth of the input's.
    public init(scale: ClosedRange<Double>, ratio: ClosedRange<Double> = 1...1, overhang: Double = 0) {
        precondition(
            scale.lowerBound >= 0.2 && ratio.lowerBound > 0.2 && ratio.upperBound < 5 && overhang >= 0,
            "scale \(scale), ratio \(ratio) or overhang \(overhang) is out of range")
        (self.scale, self.ratio, self.overhang) = (scale, ratio, overhang)
    }

    /// Draws the input's rows and columns in the image's coordinates. They may extend beyond the image. Units: pixels.
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
